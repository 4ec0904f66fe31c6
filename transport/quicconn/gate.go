package quicconn

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

var (
	errFull        = errors.New("connection limit reached")
	errHandshaking = errors.New("too many handshakes from one address")
)

// gate decides about connection attempts. An address that is not proved never
// counts against a proved one, so nobody is locked out by forged packets.
type gate struct {
	// Set by newGate, then read-only.
	maxConns      int
	maxHandshakes int
	metrics       metrics

	mu         sync.Mutex
	rate       bucket               // Guarded by mu.
	conns      int                  // Guarded by mu.
	handshakes map[handshakeKey]int // Guarded by mu. Never holds a zero.
}

// handshakeKey is an address, or the /64 it is in, as one host of IPv6 has that
// many addresses.
type handshakeKey struct {
	net    netip.Prefix
	proved bool
}

func newGate(cfg Config, m metrics) *gate {
	return &gate{
		maxConns:      cfg.MaxConns,
		maxHandshakes: cfg.MaxHandshakesPerIP,
		metrics:       m,
		rate:          bucket{perSecond: float64(cfg.RetryAbove)},
		handshakes:    make(map[handshakeKey]int),
	}
}

// needsRetry tells whether a client must prove its address: when new
// connections come too fast, or when its own has many handshakes under way.
func (g *gate) needsRetry(addr net.Addr) bool {
	key := handshakeKey{net: network(addr)}
	g.mu.Lock()
	retry := !g.rate.take(time.Now()) || g.handshakes[key] >= g.maxHandshakes
	g.mu.Unlock()
	if retry {
		g.metrics.retries.Inc()
	}
	return retry
}

// admit counts a connection until ctx, its life, ends.
func (g *gate) admit(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
	key := handshakeKey{net: network(info.RemoteAddr), proved: info.AddrVerified}
	if err := g.enter(key); err != nil {
		g.metrics.handshakes.WithLabelValues("refused").Inc()
		return nil, err
	}
	handshake := sync.OnceFunc(func() { g.endHandshake(key) })
	context.AfterFunc(ctx, func() {
		handshake()
		g.leave()
	})
	return context.WithValue(ctx, admission{}, func() {
		handshake()
		g.metrics.handshakes.WithLabelValues("completed").Inc()
	}), nil
}

// admission is the key of the function that ends a connection's handshake.
type admission struct{}

func handshakeDone(ctx context.Context) {
	if done, ok := ctx.Value(admission{}).(func()); ok {
		done()
	}
}

func (g *gate) enter(key handshakeKey) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns >= g.maxConns {
		return errFull
	}
	if key.proved && g.handshakes[key] >= g.maxHandshakes {
		return errHandshaking
	}
	g.conns++
	g.handshakes[key]++
	return nil
}

func (g *gate) endHandshake(key handshakeKey) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.handshakes[key]--; g.handshakes[key] == 0 {
		delete(g.handshakes, key)
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns--
}

func network(addr net.Addr) netip.Prefix {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := udp.AddrPort().Addr().Unmap()
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	prefix, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

// bucket is a token bucket that holds one second's worth.
type bucket struct {
	perSecond float64
	tokens    float64
	last      time.Time
}

func (b *bucket) take(now time.Time) bool {
	if b.last.IsZero() {
		b.tokens = b.perSecond
	} else {
		b.tokens = min(b.perSecond, b.tokens+b.perSecond*now.Sub(b.last).Seconds())
	}
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
