package quic

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	quicgo "github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"
	"golang.org/x/sync/errgroup"
)

// DefaultLatency is SRT's: three round trips of 40 ms.
const DefaultLatency = 120 * time.Millisecond

// ClientConfig says where to publish what. ParseURL fills most of it.
type ClientConfig struct {
	// Address is the server's, "host:port".
	Address string
	// TLS says which certificates count.
	TLS *tls.Config
	// Name is the path of the broadcast, Token what is shown for it.
	Name, Token string
	// Latency is how long a batch is worth sending again; zero is DefaultLatency.
	Latency time.Duration
	Mode    Mode
	// Logger may be nil.
	Logger *slog.Logger
}

// Client is a publisher's connection. Send and Finish are for one goroutine, the
// other methods for any.
type Client struct {
	// Set by Dial, then read-only.
	cfg      ClientConfig
	log      *slog.Logger
	remote   *net.UDPAddr
	conn     *quicgo.Conn
	control  *quicgo.Stream
	messages quicvarint.Reader
	ctx      context.Context // Ends with the connection.
	stop     context.CancelFunc
	parts    *errgroup.Group

	count   uint64 // Owned by Send.
	dropped atomic.Uint64
	server  atomic.Pointer[report]

	mu      sync.Mutex
	pending []pending           // Guarded by mu. In the order of their ends.
	sockets []*quicgo.Transport // Guarded by mu.
	path    *quicgo.Path        // Guarded by mu. Nil on the first.
}

// pending is a batch under way, which is reset when its time is over.
type pending struct {
	stream *quicgo.SendStream
	until  time.Time
}

// clientQUIC is how clients use QUIC: what does not answer is given up as soon as
// by SRT, and a mapping of a NAT is kept open.
func clientQUIC() *quicgo.Config {
	return &quicgo.Config{
		HandshakeIdleTimeout: 5 * time.Second,
		MaxIdleTimeout:       5 * time.Second,
		KeepAlivePeriod:      time.Second,
		MaxIncomingStreams:   -1, MaxIncomingUniStreams: -1,
		EnableDatagrams: true,
	}
}

// Dial connects and returns when the server has taken the publisher in. The error
// is a ClosedError when it says no. ctx is for the call alone; Close must follow.
func Dial(ctx context.Context, cfg ClientConfig) (*Client, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Latency == 0 {
		cfg.Latency = DefaultLatency
	}
	c := &Client{cfg: cfg, log: cfg.Logger, parts: &errgroup.Group{}}
	c.ctx, c.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := c.connect(ctx); err != nil {
		c.closeSockets()
		c.stop()
		return nil, fmt.Errorf("call quic %s: %w", cfg.Address, err)
	}
	context.AfterFunc(c.conn.Context(), c.stop)
	c.parts.Go(c.readMessages)
	c.parts.Go(c.tick)
	c.parts.Go(c.followRoute)
	return c, nil
}

func (c *Client) connect(ctx context.Context) error {
	remote, err := net.ResolveUDPAddr("udp", c.cfg.Address)
	if err != nil {
		return err
	}
	c.remote = remote
	t, err := c.socket()
	if err != nil {
		return err
	}
	conf := c.cfg.TLS.Clone()
	conf.NextProtos = []string{ALPN}
	if conf.ServerName == "" {
		if conf.ServerName, _, err = net.SplitHostPort(c.cfg.Address); err != nil {
			return err
		}
	}
	if c.conn, err = t.Dial(ctx, remote, conf, clientQUIC()); err != nil {
		return known(err)
	}
	if err := c.greet(ctx); err != nil {
		cause := context.Cause(c.conn.Context())
		closeWith(c.conn, CodeNone, "")
		return closed(errors.Join(cause, err))
	}
	return nil
}

// ErrNotTaken: something answers there, and does not know ALPN.
var ErrNotTaken = errors.New("no MPEG-TS over QUIC is taken there (a gateway takes it with quic.publish)")

// noProtocol is how QUIC carries the alert no_application_protocol (RFC 9001 section
// 4.8, RFC 7301 section 3.2).
const noProtocol = 0x100 + 120

// known puts into words why a handshake failed, where we can.
func known(err error) error {
	if failed, ok := errors.AsType[*quicgo.TransportError](err); ok && failed.ErrorCode == noProtocol {
		return fmt.Errorf("%w: %w", ErrNotTaken, err)
	}
	return err
}

// socket opens a socket for a path. Its connection IDs have a length, which QUIC
// needs to move from one address to another.
func (c *Client) socket() (*quicgo.Transport, error) {
	udp, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, err
	}
	t := &quicgo.Transport{Conn: udp, ConnectionIDLength: 8}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sockets = append(c.sockets, t)
	return t, nil
}

// greet says hello and waits for the welcome.
func (c *Client) greet(ctx context.Context) error {
	var err error
	if c.control, err = c.conn.OpenStreamSync(ctx); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = c.control.SetReadDeadline(time.Now()) })()
	h := hello{name: c.cfg.Name, token: c.cfg.Token, latency: c.cfg.Latency, mode: c.cfg.Mode}
	if _, err := c.control.Write(h.message().encode()); err != nil {
		return err
	}
	c.messages = quicvarint.NewReader(c.control)
	m, err := readMessage(c.messages)
	if err != nil {
		return err
	}
	if m.kind != messageWelcome {
		return fmt.Errorf("%w: message %#x in place of welcome", errProtocol, m.kind)
	}
	c.cfg.Latency, err = m.latency()
	return err
}

// readMessages takes the server's reports.
func (c *Client) readMessages() error {
	for {
		m, err := readMessage(c.messages)
		if err != nil {
			return err
		}
		if m.kind != messageReport {
			continue
		}
		r, err := parseReport(m)
		if err != nil {
			return err
		}
		c.server.Store(&r)
	}
}

// tickEvery is how exact the end of a batch is.
const tickEvery = 20 * time.Millisecond

// tick resets batches whose time is over, and reports.
func (c *Client) tick() error {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	reported := time.Now()
	for {
		select {
		case now := <-ticker.C:
			c.expire(now)
			if now.Sub(reported) < watchEvery {
				continue
			}
			reported = now
			if err := c.report(); err != nil {
				return err
			}
		case <-c.ctx.Done():
			return nil
		}
	}
}

func (c *Client) report() error {
	s := c.conn.ConnectionStats()
	r := report{packetsSent: s.PacketsSent, packetsLost: s.PacketsLost, dropped: c.dropped.Load()}
	c.mu.Lock()
	defer c.mu.Unlock() // END may come at the same time.
	_, err := c.control.Write(r.message().encode())
	return err
}

// Err is why the connection has ended; a ClosedError when the server did it.
func (c *Client) Err() error { return closed(context.Cause(c.conn.Context())) }

// Context ends with the connection; Err then says why.
func (c *Client) Context() context.Context { return c.conn.Context() }

// Close ends the connection at once; see Finish for an orderly end.
func (c *Client) Close() {
	closeWith(c.conn, CodeNone, "")
	c.stop()
	_ = c.parts.Wait() // What it says is the connection's end.
	c.closeSockets()
}

func (c *Client) closeSockets() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.sockets {
		_ = t.Close()
		_ = t.Conn.Close()
	}
}
