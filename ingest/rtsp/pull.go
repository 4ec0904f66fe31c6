package rtsp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

const (
	// A camera that is gone is asked for after minBackoff, then twice as long
	// each time until maxBackoff: a reboot takes a minute.
	minBackoff = time.Second
	maxBackoff = 30 * time.Second
	// settled is how long a session must last to count as a success.
	settled = 10 * time.Second
)

// Transport is how media comes from a camera.
type Transport string

// The transports. TransportAuto is UDP, and TCP when nothing comes.
const (
	TransportAuto Transport = "auto"
	TransportTCP  Transport = "tcp"
	TransportUDP  Transport = "udp"
)

// Pull is a camera to pull from.
type Pull struct {
	// Name is the broadcast's.
	Name string
	// URL is "rtsp://user:password@host/path" or rtsps. It is never logged whole.
	URL string
	// Transport is TransportAuto when empty.
	Transport Transport
}

// puller pulls from one camera, for ever.
type puller struct {
	// Set by newPuller, then read-only.
	door     *Door
	pull     Pull
	url      *base.URL
	protocol *gortsplib.Protocol // nil: automatic.
	log      *slog.Logger
	redact   *strings.Replacer
}

// errURL has no text of the URL in it, for there may be a password.
var errURL = errors.New("no URL such as rtsp://user:password@camera/stream")

func newPuller(d *Door, pull Pull) (*puller, error) {
	u, err := base.ParseURL(pull.URL)
	if err != nil || u.Host == "" {
		return nil, errURL
	}
	p := &puller{door: d, pull: pull, url: u, redact: redactor(u)}
	switch pull.Transport {
	case TransportAuto, "":
	case TransportTCP:
		p.protocol = new(gortsplib.ProtocolTCP)
	case TransportUDP:
		p.protocol = new(gortsplib.ProtocolUDP)
	default:
		return nil, fmt.Errorf("transport %q is none of tcp, udp, auto", pull.Transport)
	}
	p.log = d.log.With("name", pull.Name, "camera", u.Host)
	return p, nil
}

// redactor takes what is secret in a URL out of texts: the password, and the
// query, where some cameras have it.
func redactor(u *base.URL) *strings.Replacer {
	const redacted = "[redacted]"
	var pairs []string
	if u.User != nil {
		if password, set := u.User.Password(); set && password != "" {
			pairs = append(pairs, u.User.String(), redacted, password, redacted, url.QueryEscape(password), redacted)
		}
	}
	if u.RawQuery != "" {
		pairs = append(pairs, u.RawQuery, redacted)
	}
	return strings.NewReplacer(pairs...)
}

// run pulls until ctx ends.
func (p *puller) run(ctx context.Context) {
	for attempt := 0; ; attempt++ {
		began := time.Now()
		err := p.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= settled {
			attempt = 0
		}
		wait := backoff(attempt, rand.Float64())
		p.log.Warn("rtsp camera is not there", "error", p.redact.Replace(err.Error()), "again_in", wait.Round(time.Millisecond))
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// backoff is how long to wait after a number of failures. chance, from 0 to 1,
// spreads those who lost the same camera or the same switch: down to a half.
func backoff(failures int, chance float64) time.Duration {
	wait := maxBackoff
	if failures < 5 {
		wait = min(maxBackoff, minBackoff<<failures)
	}
	return time.Duration(float64(wait) * (1 + chance) / 2)
}

// once pulls until the camera goes. It always gives a reason.
func (p *puller) once(ctx context.Context) error {
	client := p.client()
	if err := client.Start(); err != nil {
		return err
	}
	defer client.Close()
	defer context.AfterFunc(ctx, client.Close)()
	f, err := p.prepare(ctx, client)
	if err != nil {
		p.door.metrics.failed.Inc()
		return err
	}
	defer f.hangUp()
	f.start(ctx)
	err = p.play(client, f)
	f.end(ctx, fmt.Errorf("%w: %s", errCamera, p.redact.Replace(err.Error())))
	return err
}

func (p *puller) client() *gortsplib.Client {
	return &gortsplib.Client{
		Scheme: p.url.Scheme, Host: p.url.Host, Protocol: p.protocol, UserAgent: "freshet",
		ListenPacket: func(network, address string) (net.PacketConn, error) {
			return listenUDP(context.Background(), network, address)
		},
		OnResponse: func(res *base.Response) {
			if _, err := readDescription(res.Body); len(res.Body) > 0 && err != nil {
				res.Body = nil
			}
		},
		OnPacketsLost: func(uint64) {}, // The receiver counts.
		OnDecodeError: func(error) {},
		OnTransportSwitch: func(err error) {
			p.log.Info("rtsp camera sends no UDP, asked for TCP", "reason", p.redact.Replace(err.Error()))
		},
	}
}

// prepare asks what the camera has, and for the name.
func (p *puller) prepare(ctx context.Context, client *gortsplib.Client) (*feed, error) {
	desc, _, err := client.Describe(p.url)
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	receiver, err := newReceiver(desc)
	if err != nil {
		return nil, err
	}
	for _, t := range receiver.tracks {
		if _, err := client.Setup(desc.BaseURL, t.media, 0, 0); err != nil {
			return nil, fmt.Errorf("setup: %w", err)
		}
	}
	f := &feed{door: p.door, log: p.log, side: sidePull, remote: p.url.Host, receiver: receiver}
	if f.session, err = p.door.cfg.Sessions.Open(ctx, f.request(p.pull.Name, credentials{})); err != nil {
		return nil, err
	}
	// Close waits for the goroutines that hangUp may be called by.
	gone, hangUp := context.WithCancel(ctx)
	context.AfterFunc(gone, client.Close)
	f.hangUp = hangUp
	return f, nil
}

// play has the media come until it ends.
func (p *puller) play(client *gortsplib.Client, f *feed) error {
	if err := f.begin(client, client.Transport().Session); err != nil {
		return err
	}
	if _, err := client.Play(nil); err != nil {
		return fmt.Errorf("play: %w", err)
	}
	if err := client.Wait(); err != nil {
		return err
	}
	return errors.New("closed")
}
