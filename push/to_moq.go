package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
	"github.com/freshet-live/freshet/packager"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

const (
	// moqWindow is how much of the tracks is kept for a gateway that comes back.
	moqWindow = 10 * time.Second
	// moqLinger is how long the last objects may be on their way to the gateway, or it
	// take to fetch them.
	moqLinger = time.Second
	// moqLook is how often is looked whether it has them.
	moqLook = 20 * time.Millisecond
)

// moqTarget is where a broadcast is published.
type moqTarget struct {
	url       string
	namespace relay.Namespace
	token     string
	authority string // Of SETUP; empty over WebTransport.
	draft     int    // Zero for the newest that both know.
}

// parseMoQ reads moqt://host:port/name?token=.. and https://host:port/moq?name=..,
// both with draft=16 or another that this program speaks.
func parseMoQ(u *url.URL) (moqTarget, error) {
	query := u.Query()
	t := moqTarget{token: query.Get("token")}
	name := query.Get("name")
	draft, err := parseDraft(query.Get("draft"))
	if err != nil {
		return t, err
	}
	t.draft = draft
	plain := *u
	if u.Scheme == "https" {
		query.Del("name")
		query.Del("draft")
		plain.RawQuery = query.Encode()
	} else {
		name = strings.Trim(u.Path, "/")
		plain.Scheme, plain.Path, plain.RawQuery = "moqt", "", ""
		t.authority = u.Host
	}
	t.url, t.namespace = plain.String(), relay.Namespace(name)
	if err := ingest.ValidateName(name); err != nil {
		return t, fmt.Errorf("name %q: %w", name, err)
	}
	return t, nil
}

func parseDraft(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	if !slices.Contains(wire.Protocols(), "moqt-"+s) {
		return 0, fmt.Errorf("draft %q is not spoken; what is: %s", s, strings.Join(wire.Protocols(), ", "))
	}
	return strconv.Atoi(s)
}

// moqOutput packages by itself: the broadcast lives here, whatever connection there
// is, and a gateway takes what it is asked for.
type moqOutput struct {
	cfg    OutputConfig
	target moqTarget
	relay  *relay.Relay
	client atomic.Pointer[moqt.Client] // Of the connection; nil without one.
}

func toMoQ(cfg OutputConfig, u *url.URL) (Output, error) {
	target, err := parseMoQ(u)
	if err != nil {
		return nil, err
	}
	o := &moqOutput{cfg: cfg, target: target, relay: relay.New(relay.Config{})}
	return o.run, nil
}

func (o *moqOutput) run(ctx context.Context, q *Queue) error {
	group, ctx := errgroup.WithContext(ctx)
	live, end := context.WithCancelCause(ctx)
	group.Go(func() error {
		err := o.feed(ctx, q)
		if err == nil {
			o.linger(ctx)
		}
		end(io.EOF)
		return err
	})
	group.Go(func() error {
		err := retry(live, o.cfg, o.publish)
		if errors.Is(context.Cause(live), io.EOF) {
			return nil
		}
		return err
	})
	return group.Wait()
}

// linger waits until the gateway has what was packaged, or will never have it.
func (o *moqOutput) linger(ctx context.Context) {
	for until := time.Now().Add(moqWindow); time.Now().Before(until); {
		if c := o.client.Load(); c == nil || c.Serving() == 0 || !sleep(ctx, moqLook) {
			break
		}
	}
	sleep(ctx, moqLinger)
}

// feed packages what the queue gives, to its end.
func (o *moqOutput) feed(ctx context.Context, q *Queue) error {
	p, err := packager.New(packager.Config{
		Relay: o.relay, Namespace: o.target.namespace, Window: moqWindow, Logger: o.cfg.Log,
	})
	if err != nil {
		return err
	}
	defer p.Close(ingest.ErrClosed)
	p.Begin(ingest.Request{Name: string(o.target.namespace), Protocol: "push"})
	defer p.End()
	demuxer := mpegts.New(mpegts.Config{Sink: p, Logger: o.cfg.Log})
	for {
		packets, _, err := q.Next(ctx)
		if errors.Is(err, io.EOF) {
			return demuxer.Flush(time.Now())
		}
		if err != nil {
			return err
		}
		if err := demuxer.Write(packets, time.Now()); err != nil {
			return err
		}
		o.cfg.Status.sent(len(packets))
	}
}

// publish is one connection. It lasts until the gateway ends it.
func (o *moqOutput) publish(ctx context.Context) error {
	conn, err := o.cfg.DialMoQ(ctx, o.target.url, o.target.draft, o.cfg.TLS)
	if err != nil {
		return err
	}
	leave := make(chan struct{}, 1)
	client, err := moqt.NewClient(ctx, conn, moqt.ClientConfig{
		Relay: o.relay, AuthToken: o.target.token, Authority: o.target.authority, Logger: o.cfg.Log,
		OnGoaway: func(string, time.Duration) { leave <- struct{}{} },
	})
	if err != nil {
		return err
	}
	defer client.Close()
	o.client.Store(client)
	defer o.client.Store(nil)
	publication, err := client.PublishNamespace(ctx, o.target.namespace)
	if err != nil {
		return err
	}
	o.cfg.Log.Info("connected", "to", o.target.url, "name", string(o.target.namespace), "protocol", conn.Protocol())
	o.cfg.Status.connected(func() Link {
		if r, ok := conn.(interface{ RTT() time.Duration }); ok {
			return Link{RTT: r.RTT()}
		}
		return Link{}
	})
	select {
	case <-publication.Done():
		return fmt.Errorf("publication ended: %w", publication.Err())
	case <-client.Done():
		return client.Err()
	case <-leave:
		return errGoingAway
	case <-ctx.Done():
		return errors.Join(publication.Close(), context.Cause(ctx))
	}
}

var errGoingAway = errors.New("the gateway is going away")
