package ingest

import (
	"sync"
	"sync/atomic"
	"time"
)

// Request asks to publish a name.
type Request struct {
	// Name is the path of the broadcast, such as "live/cam1".
	Name string
	// Protocol is the door: "srt". It is a metric label.
	Protocol string
	// Remote is the peer's address, for logs and the API.
	Remote string
	// User is whom the peer says it is, Token what it shows for it, for Authorize
	// to judge; empty when it says nothing.
	User, Token string
	// Passphrase says that the peer knows the secret that its door asks of everybody,
	// OwnPassphrase that it knows the one of this name.
	Passphrase, OwnPassphrase bool
	// Trusted is set when the operator himself has it published, as a camera that
	// is pulled from: Authorize is not asked.
	Trusted bool
	// Delay is how long the transport holds bytes back on purpose, such as the
	// SRT latency: what arrives now left the encoder so long ago. It is set by
	// Session.Begin, when the transport has negotiated it.
	Delay time.Duration
	// NewSink, if set, makes the sink instead of Config.NewSink: for a publisher
	// that packages by itself. A broadcast that has a sink of another Protocol's
	// kind is ended for it.
	NewSink func(name string) (HeldSink, error)
	// Stats gives the transport's statistics for the API; may be nil. It is
	// called from any goroutine until the session is closed.
	Stats func() any
}

// Session is the right to publish one name, and the Sink to do it with. Begin,
// SetProgram and Push are for one goroutine, in this order; the other methods
// may be called by any.
type Session struct {
	// Set by Sessions.Open, then read-only.
	parent *Sessions
	req    Request
	opened time.Time
	done   chan struct{}

	active  atomic.Int64 // When Touch was last called, counted from opened.
	release sync.Once    // Gives the name back.
	expiry  *time.Timer  // nil when the right to publish does not end. Set by open, then read-only.

	mu    sync.Mutex // Held over every call of sink, so that a takeover waits.
	sink  HeldSink   // Guarded by mu. Set before Open returns.
	begun bool       // Guarded by mu. Set by Begin.
	err   error      // Guarded by mu. Set once by end.
}

// Name is the broadcast's name.
func (s *Session) Name() string { return s.req.Name }

// Sink is what the session feeds.
func (s *Session) Sink() HeldSink {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sink
}

// Done is closed when the session has ended, by Close or by somebody else: a
// takeover, the end of what it may publish by, or the end of the gateway. Err gives
// the reason.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err is nil while the session lives.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Touch says that bytes came from the publisher. A session that is not touched
// is soon taken for half dead and may be taken over.
func (s *Session) Touch() { s.active.Store(int64(time.Since(s.opened))) }

func (s *Session) idle() time.Duration { return s.age() - time.Duration(s.active.Load()) }

func (s *Session) age() time.Duration { return time.Since(s.opened) }

// heardSince tells whether something came after t.
func (s *Session) heardSince(t time.Time) bool {
	return s.opened.Add(time.Duration(s.active.Load())).After(t)
}

// Begin starts the flow once the transport is up; see Request.Delay.
func (s *Session) Begin(delay time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.begun = true
	req := s.req
	req.Delay = delay
	s.sink.Begin(req)
	return nil
}

// SetProgram hands the program on; see Sink.
func (s *Session) SetProgram(p Program) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	return s.sink.SetProgram(p)
}

// Push hands the access unit on; see Sink.
func (s *Session) Push(au AccessUnit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	return s.sink.Push(au)
}

// Close ends the session. The broadcast stays for the hold window. Closing a
// session that has ended does nothing.
func (s *Session) Close() {
	if s.expiry != nil {
		s.expiry.Stop()
	}
	s.end(ErrClosed)
	s.release.Do(func() { s.parent.release(s) })
}

// end stops the flow into the sink; only the first call counts. It returns when
// nobody is inside the sink any more.
func (s *Session) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return
	}
	s.err = err
	if s.begun {
		s.sink.End()
	}
	close(s.done)
}

// feed tells the session its sink.
func (s *Session) feed(sink HeldSink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink = sink
}
