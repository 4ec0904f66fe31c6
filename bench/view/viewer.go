package view

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// viewer is one of an Audience, through all its sessions.
type viewer struct {
	// Set by newViewer, then read-only.
	cfg    Config
	home   string // The URL that it came to first.
	tracks []*track

	tasks sync.WaitGroup // Of run.

	mu      sync.Mutex
	session int      // Guarded by mu. The one whose objects count.
	moves   int      // Guarded by mu. By GOAWAY.
	ends    int      // Guarded by mu. Sessions that ended otherwise, once they played.
	errs    []string // Guarded by mu. The first reasons.
}

// maxErrors is how many reasons are kept of one viewer.
const maxErrors = 5

func newViewer(cfg Config, i int) *viewer {
	v := &viewer{cfg: cfg, home: cfg.URLs[i%len(cfg.URLs)]}
	for _, name := range cfg.Tracks {
		v.tracks = append(v.tracks, newTrack(name))
	}
	return v
}

// redialPause is what a viewer waits for after a failure.
const redialPause = 100 * time.Millisecond

func (v *viewer) run(ctx context.Context) {
	defer v.tasks.Wait()
	url := v.home
	var before *moqt.Client
	for ctx.Err() == nil {
		goaway := make(chan string, 1)
		client, ended, err := v.connect(ctx, url, goaway)
		if err != nil {
			v.failed(ctx, fmt.Errorf("%s: %w", url, err))
			pause(ctx, redialPause)
			continue
		}
		leave(before)
		before = nil
		select {
		case next := <-goaway:
			v.moved()
			before = client
			if next != "" {
				url = next
			}
			continue
		case err := <-ended:
			v.ended(ctx, fmt.Errorf("%s: %w", url, err))
		case <-client.Done():
			v.ended(ctx, fmt.Errorf("%s: session: %w", url, client.Err()))
		case <-ctx.Done():
		}
		leave(client)
	}
	leave(before)
}

func leave(c *moqt.Client) {
	if c != nil {
		_ = c.Close() // Its end was told already.
	}
}

func (v *viewer) moved() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.moves++
}

// ended notes a session that played.
func (v *viewer) ended(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	v.mu.Lock()
	v.ends++
	v.mu.Unlock()
	v.failed(ctx, err)
}

func (v *viewer) failed(ctx context.Context, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if ctx.Err() == nil && len(v.errs) < maxErrors {
		v.errs = append(v.errs, err.Error())
	}
}

const connectWithin = 10 * time.Second

// connect opens a session and subscribes to every track behind its last object. ended
// tells of the first subscription that ends.
func (v *viewer) connect(ctx context.Context, rawURL string, goaway chan<- string) (c *moqt.Client, ended <-chan error, err error) {
	limited, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	conn, authority, err := v.dial(limited, rawURL)
	if err != nil {
		return nil, nil, err
	}
	c, err = moqt.NewClient(ctx, conn, moqt.ClientConfig{
		Authority: authority, OnGoaway: func(uri string, _ time.Duration) { goaway <- uri },
	})
	if err != nil {
		return nil, nil, err
	}
	v.mu.Lock()
	v.session++ // What still comes over the one before is not counted.
	session := v.session
	v.mu.Unlock()
	over := make(chan error, len(v.tracks))
	for _, t := range v.tracks {
		if err := v.subscribe(limited, c, t, session, over); err != nil {
			leave(c)
			return nil, nil, fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return c, over, nil
}

func (v *viewer) dial(ctx context.Context, rawURL string) (conn moqt.Conn, authority string, err error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, "", err
	}
	if u.Scheme == "moqt" {
		conn, err = quicconn.Dial(ctx, u.Host, v.cfg.TLS, wire.Protocols(), nil)
		return conn, u.Host, err
	}
	conn, err = wtconn.Dial(ctx, rawURL, v.cfg.TLS, wire.Protocols(), nil, nil)
	return conn, "", err
}

// subscribe joins a track like a player: at the newest object, and what lies between
// it and the last one seen is fetched.
func (v *viewer) subscribe(ctx context.Context, c *moqt.Client, t *track, session int, over chan<- error) error {
	from, resume := t.last()
	filter := &wire.Filter{Type: wire.NextGroupStart}
	if resume {
		filter.Type = wire.LargestObject
	}
	sub, err := c.Subscribe(ctx, v.cfg.Namespace, t.name, moqt.SubscribeOptions{
		Filter: filter, OnObject: func(o moqt.Object) {
			// A gateway that has just begun with the track may be behind the last one.
			if !resume || from.Less(o.Location) || o.End {
				v.see(session, t, o)
			}
		},
	})
	if err != nil {
		return err
	}
	v.tasks.Go(func() {
		select {
		case <-sub.Done():
			over <- fmt.Errorf("%s: subscription: %w", t.name, sub.Err())
		case <-c.Done(): // Which is told by itself.
		}
	})
	if !resume {
		return nil
	}
	return v.catchUp(ctx, c, sub, t, session, from)
}

func (v *viewer) catchUp(ctx context.Context, c *moqt.Client, sub *moqt.Subscription, t *track, session int, from relay.Location) error {
	fetch, err := c.JoinAbsolute(ctx, sub, from.Group, moqt.FetchOptions{})
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	for {
		o, err := fetch.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("join: %w", err)
		}
		if from.Less(o.Location) {
			v.see(session, t, o)
		}
	}
}

func (v *viewer) see(session int, t *track, o moqt.Object) {
	v.mu.Lock()
	defer v.mu.Unlock() // Else the next session may begin in between, behind another object.
	if session == v.session {
		t.see(o)
	}
}
