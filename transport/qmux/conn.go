package qmux

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
)

// Carrier brings records, each a message of its own, to the peer and back, in order and
// all of them. One goroutine reads, one writes.
type Carrier interface {
	// ReadRecord gives the next record, at most RecordSize bytes, for the caller to keep.
	ReadRecord() ([]byte, error)
	// WriteRecord waits while the network does not take the record. It does not keep b.
	WriteRecord(b []byte) error
	// Close says goodbye after what was written. Reading and writing end with errors.
	Close() error
	// Abort drops all at once.
	Abort()
}

// Config configures a Conn.
type Config struct {
	Carrier Carrier
	// Client is the side that opened the carrier.
	Client bool
	// Protocol is what both sides agreed on, such as "moqt-18".
	Protocol   string
	RemoteAddr net.Addr

	// StreamWindow and ConnWindow are how many bytes the peer may send ahead of those
	// who read, on a stream and in all: they bound the memory of a connection.
	StreamWindow, ConnWindow uint64
	// Streams and UniStreams are how many streams the peer may have open at one time.
	Streams, UniStreams uint64
}

const (
	// closeWithin bounds CloseWithError against a network that takes nothing.
	closeWithin = time.Second
	// maxReason is the most that is said of why a connection ends.
	maxReason = 1024
	// maxControl is how many frames may wait that answer the peer. One who asks for more
	// and takes none of it loses the connection.
	maxControl = 4096
	// maxDatagrams is how many datagrams wait to be sent, and to be received.
	maxDatagrams = 64
)

// Conn is a connection.
type Conn struct {
	// Set by New, then read-only.
	cfg    Config
	ctx    context.Context
	cancel context.CancelCauseFunc
	met    chan struct{} // Closed when the peer's transport parameters are here.
	kick   chan struct{} // Wakes the writer.
	done   chan struct{} // Closed when the writer has ended.

	mu  sync.Mutex
	err error // Why it ended. Guarded by mu, as all that follows.

	peer      *params // nil until they came.
	control   []frame
	ready     []*sendStream // In turn: those with something to send.
	starved   []*sendStream // Those that wait for the connection's credit.
	datagrams [][]byte      // To be sent.
	maxData   uint64        // What the peer allows in all.
	sentData  uint64

	asked    uint64 // The pings sent.
	window   window // What the peer may send in all.
	pinged   uint64 // 1 more than the last sequence number of the peer's.
	received [][]byte
	arrived  signal // Of datagrams.

	streams map[uint64]*stream
	opening [2]opening // Ours, by direction.
	accepts [2]accepts // The peer's, by direction.
}

var _ moqt.Conn = (*Conn)(nil)

// New starts a connection over a carrier that is open.
func New(cfg Config) *Conn {
	c := &Conn{
		cfg: cfg, met: make(chan struct{}), kick: make(chan struct{}, 1), done: make(chan struct{}),
		window:  newWindow(cfg.ConnWindow),
		streams: make(map[uint64]*stream),
		accepts: [2]accepts{bidi: newAccepts(cfg.Streams), uni: newAccepts(cfg.UniStreams)},
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	own := params{
		maxData: cfg.ConnWindow, bidiLocal: cfg.StreamWindow, bidiRemote: cfg.StreamWindow, uni: cfg.StreamWindow,
		streamsBidi: cfg.Streams, streamsUni: cfg.UniStreams, maxDatagram: RecordSize,
	}
	go c.write(&frame{kind: frameTransportParams, data: own.append(nil)})
	go c.read()
	return c
}

// Protocol is what both sides agreed on.
func (c *Conn) Protocol() string { return c.cfg.Protocol }

// RemoteAddr is the peer's.
func (c *Conn) RemoteAddr() net.Addr { return c.cfg.RemoteAddr }

// Context ends with the connection; its cause is the reason.
func (c *Conn) Context() context.Context { return c.ctx }

// Ready waits for the peer's transport parameters.
func (c *Conn) Ready(ctx context.Context) error {
	select {
	case <-c.met:
		return nil
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// KeepAlive is to be called every few seconds: a peer that gives up on silence does not
// count the carrier's own pings ("Idle Timeout").
func (c *Conn) KeepAlive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.peer != nil && c.peer.maxIdle > 0 {
		c.asked++
		c.sendLocked(frame{kind: framePing, value: c.asked})
	}
}

// CloseWithError tells the peer and ends the connection. It waits, not for long, until
// that is on its way.
func (c *Conn) CloseWithError(code uint64, reason string) error {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	c.fail(&moqt.CloseError{Code: code, Reason: reason})
	select {
	case <-c.done:
	case <-time.After(closeWithin):
		c.cfg.Carrier.Abort()
		<-c.done
	}
	return nil
}

// fail ends the connection, once.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failLocked(err)
}

func (c *Conn) failLocked(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	c.cancel(err)
	c.arrived.fire()
	for direction := range c.accepts {
		c.accepts[direction].came.fire()
		c.opening[direction].more.fire()
	}
	for _, s := range c.streams {
		s.failLocked(err)
	}
	c.wakeWriter()
}

// read takes records until the carrier ends. What comes after the end of the connection
// is not looked at, but read, until the peer closes, too ("Initiating a Connection
// Close").
func (c *Conn) read() {
	for first := true; ; {
		record, err := c.cfg.Carrier.ReadRecord()
		if err != nil {
			c.fail(fmt.Errorf("qmux: %w", err))
			return
		}
		if err := c.take(record, &first); err != nil {
			c.fail(err)
		}
	}
}

// take acts on a record.
func (c *Conn) take(record []byte, first *bool) error {
	if len(record) > RecordSize {
		return violation(codeFrameEncoding, "a record of %d bytes", len(record))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	size := len(record)
	for c.err == nil && len(record) > 0 {
		f, rest, err := parseFrame(record)
		if err != nil {
			return err
		}
		if *first != (f.kind == frameTransportParams) {
			return violation(codeProtocol, "frame type %#x where transport parameters come first and once", f.kind)
		}
		*first = false
		if err := c.frameLocked(&f, size); err != nil {
			return err
		}
		record = rest
	}
	if len(c.control) > maxControl {
		return violation(codeProtocol, "%d answers wait to be taken", len(c.control))
	}
	return nil
}

// SendDatagram sends b in a frame of its own, or drops it when others wait.
func (c *Conn) SendDatagram(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return c.err
	case c.peer == nil || uint64(len(b)+maxHead) > min(c.peer.maxDatagram, RecordSize):
		return fmt.Errorf("qmux: a datagram of %d bytes is more than the peer takes", len(b))
	case len(c.datagrams) == maxDatagrams:
		return errors.New("qmux: too many datagrams wait")
	}
	c.datagrams = append(c.datagrams, append([]byte(nil), b...))
	c.wakeWriter()
	return nil
}

// ReceiveDatagram waits for one.
func (c *Conn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if c.err != nil {
			return nil, c.err
		}
		if len(c.received) > 0 {
			b := c.received[0]
			c.received = c.received[1:]
			return b, nil
		}
		if err := c.waitCtxLocked(ctx, &c.arrived); err != nil {
			return nil, err
		}
	}
}
