package moqttest

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
)

// Config says what the peer of each end grants. Zero fields take defaults like
// those of a browser.
type Config struct {
	Protocol string // "moqt-18" when empty.
	// StreamWindow and ConnWindow are the bytes that may be written before the
	// peer reads: 256 KiB and 1 MiB.
	StreamWindow int
	ConnWindow   int
	// Streams is the limit of open streams of each direction and kind: 100.
	Streams int
}

// maxDatagram is about what fits a packet.
const maxDatagram = 1200

// addr is the address of both ends.
type addr struct{}

func (addr) Network() string { return "memory" }
func (addr) String() string  { return "memory" }

// connection is what both ends share. One lock and one condition serve all of
// it: a connection has few streams, and honesty counts more than speed here.
type connection struct {
	cfg Config

	born time.Time // Set by Pair, then read-only.

	mu       sync.Mutex
	cond     *sync.Cond // Something changed.
	silenced time.Time  // Guarded by mu. See Conn.Silence; zero before.
}

// Conn is one end of a connection in memory.
type Conn struct {
	c      *connection
	peer   *Conn
	ctx    context.Context
	cancel context.CancelCauseFunc

	// Guarded by c.mu.
	streams   []*Stream // Of the peer, to be accepted.
	uni       []*half   // Of the peer, to be accepted.
	open      [2]int    // Streams of this end that count, uni and bidi.
	inFlight  int       // Bytes written by this end that were not read.
	datagrams [][]byte
	closed    error
}

var _ moqt.Conn = (*Conn)(nil)

// Pair makes the two ends of a connection.
func Pair(cfg Config) (client, server *Conn) {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if cfg.Protocol == "" {
		cfg.Protocol = "moqt-18"
	}
	def(&cfg.StreamWindow, 256<<10)
	def(&cfg.ConnWindow, 1<<20)
	def(&cfg.Streams, 100)
	c := &connection{cfg: cfg, born: time.Now()}
	c.cond = sync.NewCond(&c.mu)
	client, server = newEnd(c), newEnd(c)
	client.peer, server.peer = server, client
	return client, server
}

func newEnd(c *connection) *Conn {
	e := &Conn{c: c}
	e.ctx, e.cancel = context.WithCancelCause(context.Background())
	return e
}

// Protocol is that of the Config.
func (e *Conn) Protocol() string { return e.c.cfg.Protocol }

// RemoteAddr is no real address.
func (e *Conn) RemoteAddr() net.Addr { return addr{} }

// Context ends with the connection.
func (e *Conn) Context() context.Context { return e.ctx }

const (
	kindUni = iota
	kindBidi
)

// OpenStream waits for credit.
func (e *Conn) OpenStream(ctx context.Context) (moqt.Stream, error) {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	if err := e.creditLocked(ctx, kindBidi); err != nil {
		return nil, err
	}
	there, back := newHalf(e, e, kindBidi), newHalf(e.peer, e, kindBidi)
	there.other, back.other = back, there
	mine, theirs := &Stream{send: there, receive: back}, &Stream{send: back, receive: there}
	e.peer.streams = append(e.peer.streams, theirs)
	e.c.cond.Broadcast()
	return mine, nil
}

// OpenUniStream waits for credit.
func (e *Conn) OpenUniStream(ctx context.Context) (moqt.SendStream, error) {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	if err := e.creditLocked(ctx, kindUni); err != nil {
		return nil, err
	}
	h := newHalf(e, e, kindUni)
	e.peer.uni = append(e.peer.uni, h)
	e.c.cond.Broadcast()
	return &SendStream{h}, nil
}

func (e *Conn) creditLocked(ctx context.Context, kind int) error {
	err := e.waitLocked(ctx, func() bool { return e.open[kind] < e.c.cfg.Streams })
	if err == nil {
		e.open[kind]++
	}
	return err
}

// AcceptStream waits for a stream of the peer.
func (e *Conn) AcceptStream(ctx context.Context) (moqt.Stream, error) {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	if err := e.waitLocked(ctx, func() bool { return len(e.streams) > 0 }); err != nil {
		return nil, err
	}
	s := e.streams[0]
	e.streams = e.streams[1:]
	return s, nil
}

// AcceptUniStream waits for a stream of the peer.
func (e *Conn) AcceptUniStream(ctx context.Context) (moqt.ReceiveStream, error) {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	if err := e.waitLocked(ctx, func() bool { return len(e.uni) > 0 }); err != nil {
		return nil, err
	}
	h := e.uni[0]
	e.uni = e.uni[1:]
	return &ReceiveStream{h}, nil
}

// SendDatagram delivers at once.
func (e *Conn) SendDatagram(b []byte) error {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	if e.closed != nil {
		return e.closed
	}
	if len(b) > maxDatagram {
		return errors.New("datagram is too large")
	}
	e.peer.datagrams = append(e.peer.datagrams, append([]byte(nil), b...))
	e.c.cond.Broadcast()
	return nil
}

// ReceiveDatagram waits for one.
func (e *Conn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	if err := e.waitLocked(ctx, func() bool { return len(e.datagrams) > 0 }); err != nil {
		return nil, err
	}
	b := e.datagrams[0]
	e.datagrams = e.datagrams[1:]
	return b, nil
}

// Silence loses what either end sends from now on, as a machine does that lost its
// power: nobody is told. It does not undo.
func (e *Conn) Silence() {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	if e.c.silenced.IsZero() {
		e.c.silenced = time.Now()
	}
}

// keptAlive is how often a living peer is heard of at least.
const keptAlive = 100 * time.Millisecond

// PacketsReceived rises for as long as the peer is heard.
func (e *Conn) PacketsReceived() uint64 {
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	until := e.c.silenced
	if until.IsZero() {
		until = time.Now()
	}
	return uint64(until.Sub(e.c.born) / keptAlive)
}

// maxReason is what fits a CONNECTION_CLOSE or a capsule.
const maxReason = 1024

// CloseWithError ends both ends at once.
func (e *Conn) CloseWithError(code uint64, reason string) error {
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	e.c.mu.Lock()
	defer e.c.mu.Unlock()
	if e.closed != nil {
		return nil
	}
	e.closed = &moqt.CloseError{Code: code, Reason: reason}
	e.peer.closed = &moqt.CloseError{Code: code, Reason: reason, Remote: true}
	e.cancel(e.closed)
	e.peer.cancel(e.peer.closed)
	e.c.cond.Broadcast()
	return nil
}

// waitLocked waits until ready, or the connection or ctx ends.
func (e *Conn) waitLocked(ctx context.Context, ready func() bool) error {
	stop := context.AfterFunc(ctx, func() {
		e.c.mu.Lock()
		defer e.c.mu.Unlock()
		e.c.cond.Broadcast()
	})
	defer stop()
	for {
		switch {
		case e.closed != nil:
			return e.closed
		case ready():
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		e.c.cond.Wait()
	}
}
