package moqt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// The errors that end a session, beside those of the Conn and wire.Error.
var (
	// ErrSessionClosed: this side ended the session.
	ErrSessionClosed = errors.New("session closed")
	// ErrSetupTimeout: the peer's SETUP did not come.
	ErrSetupTimeout = errors.New("no SETUP in time")
	// ErrStalled: the peer stopped reading altogether.
	ErrStalled = errors.New("peer stopped reading")
)

type role uint8

const (
	roleServer role = iota
	roleClient
)

// environment is what sessions share. Read-only.
type environment struct {
	relay      *relay.Relay
	log        *slog.Logger
	metrics    *metrics
	framing    *framing
	stalls     *stalls
	authorize  func(context.Context, Request) (Grant, error)
	publishers Publishers // nil when nothing can be published to this side.
	final      func(error) bool
	maxLag     time.Duration
	limits     Limits
	options    wire.KeyValues // Setup Options to send.
	onGoaway   func(uri string, timeout time.Duration)
	extensions []extension
	sent       *atomic.Int64 // Bytes of media that were handed to transports.
}

// session is one MoQT session, of either role: it answers the peer's requests
// (exchange) and makes its own (call). What differs between the drafts is where
// messages travel; requests.go, client_calls.go and setup.go know, the rest
// does not.
//
// Goroutines: one that accepts streams of each direction, one for each stream
// of the peer, one for each request in flight. All end with ctx; finish waits.
type session struct {
	environment

	// Set by newSession, then read-only.
	conn   Conn
	d      *wire.Dialect
	role   role
	ctx    context.Context // The session's life; its cause is the reason of its end.
	cancel context.CancelCauseFunc
	pace   *pace
	gate   gate
	tasks  sync.WaitGroup

	met       chan struct{} // Closed when the peer's SETUP came.
	ready     chan struct{} // Closed when ours has gone out, too.
	readyOnce sync.Once
	control   *messageWriter // Set before ready is closed.

	granted  atomic.Bool // It was let have media.
	relaying atomic.Bool // It is a relay.

	// progress is when a group or fetch was last delivered to its end, or a
	// subscription began, in Unix nanoseconds.
	progress atomic.Int64
	// held counts the bytes that fetches hold to turn their order.
	held atomic.Int64

	incoming incoming
	outgoing outgoing

	mu       sync.Mutex
	token    string                           // Guarded by mu. What the peer's SETUP showed.
	goaways  int                              // Guarded by mu. GOAWAY messages of the peer.
	leaving  bool                             // Guarded by mu. We sent GOAWAY.
	setups   int                              // Guarded by mu. SETUP messages of the peer.
	finished bool                             // Guarded by mu. No task may begin any more.
	streams  map[*extension]*extensionStreams // Guarded by mu.
	agreed   []*extension                     // Guarded by mu. Those that the peer named, too.
}

func newSession(ctx context.Context, conn Conn, r role, env environment) (*session, error) {
	d, ok := dialectOf(conn.Protocol())
	if !ok {
		reason := fmt.Sprintf("protocol %q is not spoken here", conn.Protocol())
		_ = conn.CloseWithError(uint64(wire.VersionNegotiation), reason)
		return nil, &wire.Error{Code: wire.VersionNegotiation, Reason: reason}
	}
	s := &session{
		environment: env,
		conn:        conn,
		d:           d,
		role:        r,
		pace:        newPace(env.limits.MessageRate),
		met:         make(chan struct{}),
		ready:       make(chan struct{}),
	}
	s.log = env.log.With("draft", d.Draft, "peer", conn.RemoteAddr().String())
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.incoming.init(s)
	s.outgoing.init(s)
	s.progressed()
	return s, nil
}

// dialectOf maps a negotiated protocol to a dialect. A peer that negotiated
// nothing is taken to speak the newest; its SETUP shows soon if it does not.
func dialectOf(protocol string) (*wire.Dialect, bool) {
	if protocol == "" {
		return wire.Dialects[0], true
	}
	return wire.ByProtocol(protocol)
}

// run serves the session until it ends and gives the reason, nil when the peer
// left in good order.
func (s *session) run() error {
	s.start()
	if s.awaitSetup() {
		sessions := s.metrics.sessions.WithLabelValues(draftLabel(s.d))
		sessions.Inc()
		defer sessions.Dec()
	}
	<-s.ctx.Done()
	err := s.finish()
	s.metrics.ends.WithLabelValues(endReason(err)).Inc()
	return err
}

// start begins the session's goroutines.
func (s *session) start() {
	stop := context.AfterFunc(s.conn.Context(), func() {
		s.cancel(context.Cause(s.conn.Context()))
	})
	context.AfterFunc(s.ctx, func() { stop() })
	s.tasks.Go(s.acceptStreams)
	s.tasks.Go(s.acceptUniStreams)
	s.tasks.Go(s.openControl)
}

// begin runs f as a task, for callers that are no task themselves; not when the
// session has ended.
func (s *session) begin(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.finished {
		s.tasks.Go(f)
	}
}

// fail ends the session with the first error it is told of.
func (s *session) fail(err error) { s.cancel(err) }

// finish closes the connection with the code for the session's end, waits for
// the goroutines and gives the reason.
func (s *session) finish() error {
	cause := context.Cause(s.ctx)
	code, reason := closeCode(cause)
	_ = s.conn.CloseWithError(code, reason)
	s.mu.Lock()
	s.finished = true
	s.mu.Unlock()
	s.tasks.Wait()
	if e, ok := errors.AsType[*CloseError](cause); ok && e.Remote && e.Code == uint64(wire.NoError) {
		return nil
	}
	return cause
}

func closeCode(cause error) (code uint64, reason string) {
	if e, ok := errors.AsType[*wire.Error](cause); ok {
		return uint64(e.Code), e.Reason
	}
	switch {
	case errors.Is(cause, ErrSetupTimeout):
		return uint64(wire.ControlMessageTimeout), cause.Error()
	case errors.Is(cause, ErrStalled):
		return uint64(wire.DataStreamTimeout), cause.Error()
	case errors.Is(cause, ErrDraining):
		return uint64(wire.NoError), cause.Error()
	}
	return uint64(wire.NoError), ""
}

// stalled notes that a stream took no more bytes in time. It ends the session
// when nothing was delivered to its end for the limit. Single writes are no sign
// of life: each new stream has a window of its own that takes some bytes of a
// peer that reads nothing.
func (s *session) stalled() {
	last := time.Unix(0, s.progress.Load())
	if time.Since(last) > s.limits.StallTimeout {
		s.fail(ErrStalled)
	}
}

func (s *session) progressed() { s.progress.Store(time.Now().UnixNano()) }

// unexpected is the fault of a peer that sent a message where it may not.
func (s *session) unexpected(m wire.Message) error {
	err := wire.Violation("unexpected %s", m.Kind())
	s.fail(err)
	return err
}
