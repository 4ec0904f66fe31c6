package srt

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/transport/srt/packet"
)

// Listener takes callers on one UDP socket. It is made by Listen and works in
// Run.
type Listener struct {
	// Set by Listen, then read-only.
	cfg     Config
	socket  *socket
	start   time.Time // The zero of our timestamps and of ticks.
	cookies cookies

	requests chan *Request
	done     chan struct{} // Closed when the Listener has ended.

	ticking atomic.Bool // Run looks after the connections every tick.
	closing sync.Once

	// Owned by Run.
	out        []byte  // Scratch of answers.
	current    []*Conn // Scratch of each.
	handshakes int     // Since counted.
	counted    time.Time

	mu       sync.RWMutex
	conns    map[uint32]*Conn  // Guarded by mu.
	attempts map[peer]*attempt // Guarded by mu.
	settled  []settled         // Guarded by mu. In the order of their time.
	waiting  int               // Guarded by mu. Attempts that have no answer.
	ended    bool              // Guarded by mu.
}

// Listen opens the socket on an address whose host is an IP address or empty. Run
// must follow, or Close.
func Listen(address string, cfg Config) (*Listener, error) {
	if cfg.Latency == 0 {
		cfg.Latency = DefaultLatency
	}
	cfg.Latency = min(cfg.Latency, maxLatency)
	if cfg.MaxRequests == 0 {
		cfg.MaxRequests = DefaultRequests
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	conn, err := listenUDP(address)
	if err != nil {
		return nil, err
	}
	enlarge(conn, cfg.Logger)
	socket, err := newSocket(conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &Listener{
		cfg:      cfg,
		socket:   socket,
		start:    time.Now(),
		cookies:  newCookies(),
		requests: make(chan *Request, cfg.MaxRequests),
		done:     make(chan struct{}),
		conns:    make(map[uint32]*Conn),
		attempts: make(map[peer]*attempt),
	}, nil
}

// Addr is where the Listener listens.
func (l *Listener) Addr() net.Addr { return l.socket.addr }

// Accept gives the next caller, who waits for its answer. The error is ctx's, or
// ErrListenerClosed.
func (l *Listener) Accept(ctx context.Context) (*Request, error) {
	select {
	case r := <-l.requests:
		return r, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-l.done:
		if ctx.Err() != nil { // Which may be why.
			return nil, context.Cause(ctx)
		}
		return nil, ErrListenerClosed
	}
}

// packet passes one packet on. What panics is one bad packet, not the end of
// every stream; the connection it was for is given up.
func (l *Listener) packet(d datagram) {
	if len(d.data) < packet.HeaderSize {
		return
	}
	id := packet.Destination(d.data)
	var c *Conn
	if id != 0 {
		l.mu.RLock()
		c = l.conns[id]
		l.mu.RUnlock()
		// Who guesses a socket id from another address could end a stream, or
		// change it.
		if c == nil || c.remote != d.from {
			return
		}
	}
	defer func() {
		if r := recover(); r != nil {
			l.fault(c, d.from, r)
		}
	}()
	switch {
	case c == nil:
		l.request(d)
	case packet.IsControl(d.data):
		c.control(d)
	default:
		c.data(d)
	}
}

func (l *Listener) fault(c *Conn, from netip.AddrPort, cause any) {
	l.cfg.Logger.Error("srt packet caused a fault", "remote", from.String(), "cause", fmt.Sprint(cause))
	if c != nil {
		c.end(ErrFault)
	}
}

// timestamp is what our packets tell: microseconds since the start.
func (l *Listener) timestamp(now time.Time) uint32 { return uint32(now.Sub(l.start).Microseconds()) }

// add registers a connection under a free id, and answer for who asks again.
func (l *Listener) add(c *Conn, who peer, answer func(id uint32) []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return ErrListenerClosed
	}
	a := l.attempts[who]
	if a == nil || a.answer != nil {
		return ErrAnswered
	}
	for c.id == 0 || l.conns[c.id] != nil {
		c.id = randomID()
	}
	a.answer = answer(c.id)
	l.waiting--
	l.conns[c.id] = c
	return nil
}

// remove forgets a connection that has ended. It may do so twice.
func (l *Listener) remove(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns[c.id] != c {
		return
	}
	delete(l.conns, c.id)
	l.settled = append(l.settled, settled{peer{c.remote, c.peerID, c.initial}, time.Now()})
}

func (l *Listener) hasEnded() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.ended
}

// Close hangs up on every connection and ends Run. When it returns that is done,
// and the port is free.
func (l *Listener) Close() { l.closing.Do(l.close) }

func (l *Listener) close() {
	l.mu.Lock()
	l.ended = true
	conns := l.conns
	l.conns = make(map[uint32]*Conn)
	l.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
	close(l.done)
	l.socket.close()
}

func randomID() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // It never fails.
	// Bit 30 is libsrt's mark of groups, bit 31 is kept clear as its ids do.
	return binary.BigEndian.Uint32(b[:]) & (1<<30 - 1)
}
