package sweep

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/bench/impair"
	"github.com/freshet-live/freshet/bench/steady"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// anyCertificate accepts self-made ones: trust is not what is measured here.
var anyCertificate = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13} //nolint:gosec // It is a load generator.

// nameOf is the i-th broadcast.
func nameOf(i int) relay.Namespace { return relay.Namespace(fmt.Sprintf("live/sweep%d", i)) }

// feed publishes the broadcasts of a load. A server pulls them from its address, or it
// publishes them to a server's URL.
type feed struct {
	// Set by newFeed, then read-only.
	load     Load
	relay    *relay.Relay
	listener *quicconn.Listener
	cancel   context.CancelFunc
	group    *errgroup.Group
	context  context.Context // Of all that the feed runs: it is the feed's lifetime.

	mu        sync.Mutex
	published []time.Time // Guarded by mu. The stamps of the first broadcast, rising.
}

// newFeed starts to publish.
func newFeed(ctx context.Context, load Load) (*feed, error) {
	source, err := certs.New(certs.Config{})
	if err != nil {
		return nil, err
	}
	f := &feed{load: load, relay: relay.New(relay.Config{})}
	server := moqt.NewServer(moqt.Config{Relay: f.relay})
	ctx, f.cancel = context.WithCancel(ctx)
	f.group, ctx = errgroup.WithContext(ctx)
	f.context = ctx
	f.listener, err = quicconn.New(quicconn.Config{
		Addr: "127.0.0.1:0", Protocols: wire.Protocols(),
		TLS: &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: source.GetCertificate},
		MoQ: func(_ context.Context, conn moqt.Conn) { _ = server.Serve(ctx, conn) },
	})
	if err != nil {
		f.cancel()
		return nil, err
	}
	f.group.Go(func() error { return f.listener.Run(ctx) })
	for i := range load.Broadcasts {
		s := steady.Source{Relay: f.relay, Name: nameOf(i), Kbits: load.Kbits}
		if i == 0 {
			s.Published = f.note
		}
		f.group.Go(func() error { return s.Run(ctx) })
	}
	return f, nil
}

func (f *feed) note(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.published = append(f.published, at)
}

// count is how many chunks of a broadcast have stamps in a time. All broadcasts have
// one rate: they differ by one at most, at either end.
func (f *feed) count(from, to time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	place := func(t time.Time) int {
		n, _ := slices.BinarySearchFunc(f.published, t, time.Time.Compare)
		return n
	}
	return place(to) - place(from)
}

// address is where a server pulls from, behind the load's bad network if it has one.
func (f *feed) address() (string, error) { return f.through(f.listener.Addr().String()) }

// through gives an address that leads to another over the load's network.
func (f *feed) through(to string) (string, error) { return f.load.through(f.context, f.group, to) }

// through gives an address that leads to another over the load's network, for as long as
// ctx lasts; the group has what carries it.
func (l Load) through(ctx context.Context, group *errgroup.Group, to string) (string, error) {
	if l.Loss == 0 && l.RTT == 0 {
		return to, nil
	}
	loss, delay := impair.Percent(float64(l.Loss)/1000), l.RTT/2
	path := impair.Path{Name: "feed", Both: impair.Settings{Loss: &loss, Delay: &delay}}
	network, err := impair.New(impair.Config{
		Paths: []impair.Path{path}, Ends: []impair.Ends{{Listen: "127.0.0.1:0", To: to}}, Seed: 1,
	})
	if err != nil {
		return "", err
	}
	group.Go(func() error { return network.Run(ctx) })
	from, _, _ := strings.Cut(network.Ends()[0], " ")
	return from, nil
}

// publishTo announces all broadcasts to a server: a URL of https for WebTransport, of
// moqt for raw QUIC.
func (f *feed) publishTo(ctx context.Context, rawURL string) error {
	u, err := url.Parse(rawURL)
	if err != nil {
		return err
	}
	if u.Host, err = f.through(u.Host); err != nil {
		return err
	}
	client, err := dial(ctx, f.context, u, moqt.ClientConfig{Relay: f.relay})
	if err != nil {
		return fmt.Errorf("publish to %s: %w", rawURL, err)
	}
	context.AfterFunc(f.context, func() { _ = client.Close() })
	for i := range f.load.Broadcasts {
		if _, err := client.PublishNamespace(ctx, nameOf(i)); err != nil {
			return fmt.Errorf("publish %s to %s: %w", nameOf(i), rawURL, err)
		}
	}
	return nil
}

// dial connects while ctx lasts; the session ends with life.
func dial(ctx, life context.Context, u *url.URL, config moqt.ClientConfig) (*moqt.Client, error) {
	var conn moqt.Conn
	var err error
	if u.Scheme == "moqt" {
		config.Authority = u.Host
		conn, err = quicconn.Dial(ctx, u.Host, anyCertificate, wire.Protocols(), nil)
	} else {
		conn, err = wtconn.Dial(ctx, u.String(), anyCertificate, wire.Protocols(), nil, nil)
	}
	if err != nil {
		return nil, err
	}
	return moqt.NewClient(life, conn, config)
}

// close ends it.
func (f *feed) close() error {
	f.cancel()
	err := f.group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
