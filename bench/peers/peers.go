// Package peers is an audience of native viewers who take part in a swarm: real
// sessions and real data channels, against an edge that runs (`freshet bench
// peers`). What a thousand of them would do is bench/swarm's to say, which has no
// network.
package peers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/rtc"
	"github.com/freshet-live/freshet/transport/swarm/client"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// Config configures a Crowd.
type Config struct {
	// URL is the edge's: https://HOST:PORT/PATH for WebTransport, moqt://HOST:PORT for
	// raw QUIC.
	URL       string
	Namespace relay.Namespace
	Track     string // Empty: the first with beacons.
	Token     string
	TLS       *tls.Config
	// Viewers is how many, Ramp the time over which they come.
	Viewers int
	Ramp    time.Duration
	// LAN has them name private addresses, and their own machine's.
	LAN bool
	// Consent is theirs.
	Consent policy.Consent
	Logger  *slog.Logger
}

// Crowd is an audience.
type Crowd struct {
	cfg Config

	mu      sync.Mutex
	viewers []*client.Viewer // Guarded by mu.
	errs    []error          // Guarded by mu. Of those that ended before their time.
}

// New makes a Crowd that Run brings in.
func New(cfg Config) (*Crowd, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "moqt" {
		return nil, fmt.Errorf("%q is no URL that begins with https:// or moqt://", cfg.URL)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Crowd{cfg: cfg}, nil
}

// Run has viewers come and watch until ctx ends. The error says what ended some of
// them before.
func (c *Crowd) Run(ctx context.Context) error {
	var watching sync.WaitGroup
	for i := range c.cfg.Viewers {
		watching.Go(func() {
			if err := c.watch(ctx, i); err != nil && ctx.Err() == nil {
				c.failed(fmt.Errorf("viewer %d: %w", i, err))
			}
		})
		select {
		case <-time.After(c.cfg.Ramp / time.Duration(c.cfg.Viewers)):
		case <-ctx.Done():
		}
	}
	watching.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.errs...)
}

func (c *Crowd) failed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errs = append(c.errs, err)
}

// watch is one viewer's stay.
func (c *Crowd) watch(ctx context.Context, i int) error {
	endpoint, err := rtc.New(rtc.Config{LAN: c.cfg.LAN, Loopback: c.cfg.LAN, Logger: c.cfg.Logger})
	if err != nil {
		return err
	}
	conn, authority, err := c.dial(ctx)
	if err != nil {
		return err
	}
	v := client.New(client.Config{
		Namespace: c.cfg.Namespace, Track: c.cfg.Track, Peers: client.Connections(endpoint), Seed: uint64(i),
		Situation: client.Situation{Consent: c.cfg.Consent, Net: policy.NetEthernet, LAN: c.cfg.LAN},
		Logger:    c.cfg.Logger.With("viewer", i),
	})
	// The session outlives ctx by the viewer's good-bye.
	session, err := moqt.NewClient(context.WithoutCancel(ctx), conn, moqt.ClientConfig{
		Authority: authority, AuthToken: c.cfg.Token, Extensions: []moqt.ClientExtension{v.Extension()},
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.viewers = append(c.viewers, v)
	c.mu.Unlock()
	var drained sync.WaitGroup
	drained.Go(func() { drain(v) })
	err = v.Run(ctx, session)
	drained.Wait()
	return errors.Join(err, session.Close())
}

// drain takes chunks as a player would.
func drain(v *client.Viewer) {
	for {
		if _, err := v.Next(context.Background()); err != nil {
			return
		}
	}
}

func (c *Crowd) dial(ctx context.Context) (conn moqt.Conn, authority string, err error) {
	u, err := url.Parse(c.cfg.URL)
	if err != nil {
		return nil, "", err
	}
	if u.Scheme == "moqt" {
		conn, err = quicconn.Dial(ctx, u.Host, c.cfg.TLS, wire.Protocols(), nil)
		return conn, u.Host, err
	}
	conn, err = wtconn.Dial(ctx, c.cfg.URL, c.cfg.TLS, wire.Protocols(), nil, nil)
	return conn, "", err
}

// Total is the sum over all viewers, and how many there are of each mode.
func (c *Crowd) Total() (sum client.Stats, modes map[policy.Mode]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	modes = make(map[policy.Mode]int)
	for _, v := range c.viewers {
		s := v.Stats()
		modes[s.Mode]++
		sum.Add(s)
	}
	return sum, modes
}
