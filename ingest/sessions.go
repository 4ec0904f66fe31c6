package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// takeoverAfter: a publisher that was silent for so long is half dead. Live
	// encoders send at least every 100 ms, and a retransmission takes less.
	takeoverAfter = 500 * time.Millisecond
	// lookAgain is how often a newcomer looks whether the owner was heard.
	lookAgain = 20 * time.Millisecond
	// silentAfter is when a broadcast counts as silent.
	silentAfter = time.Second
)

// HeldSink is a Sink that outlives the session that feeds it. Begin and End are
// called in turns, SetProgram and Push only in between, Close last.
type HeldSink interface {
	Sink
	// Begin says that a publisher starts: the first, or one that continues the
	// broadcast with clocks of its own.
	Begin(Request)
	// End says that the publisher has gone; another may follow.
	End()
	// Close ends the broadcast.
	Close(reason error)
}

// Config configures Sessions.
type Config struct {
	// NewSink makes the sink of a broadcast when its first publisher comes.
	NewSink func(name string) (HeldSink, error)
	// Authorize decides beyond the name, and says until when; zero is for ever. nil
	// admits everybody. Its error should be ErrUnauthorized or ErrForbidden, and
	// ErrExpired beside the first where that is the reason.
	Authorize func(context.Context, Request) (expires time.Time, err error)
	// Claim makes this gateway the owner of a new name among others, or says why
	// not: ErrAlreadyPublishing for a name that is owned elsewhere. Nil: there are
	// no others.
	Claim func(context.Context, Request) (Lease, error)
	// Hold is how long a broadcast waits for its publisher to come back; zero
	// ends it with the session.
	Hold time.Duration
	// Logger and Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Sessions knows who publishes what: one owner at a time, whatever the door.
type Sessions struct {
	// Set by NewSessions, then read-only.
	cfg     Config
	log     *slog.Logger
	metrics *metrics

	ending sync.WaitGroup // Sinks that are being closed.

	mu         sync.Mutex
	broadcasts map[string]*broadcast // Guarded by mu.
	draining   bool                  // Guarded by mu.
}

// broadcast is a name in use, with a publisher or held for one.
type broadcast struct {
	name string
	gone chan struct{} // Closed when the broadcast has ended.

	// All guarded by Sessions.mu.
	lease      Lease    // nil without Config.Claim.
	offered    bool     // The lease is held: another gateway may take the name.
	sink       HeldSink // nil while it is being made.
	own        bool     // The sink was made by Request.NewSink.
	owner      *Session // nil while held.
	hold       *hold    // nil unless held.
	since      time.Time
	reconnects int
}

// NewSessions makes Sessions without any broadcast.
func NewSessions(cfg Config) *Sessions {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Sessions{
		cfg:        cfg,
		log:        cfg.Logger,
		metrics:    newMetrics(cfg.Registerer),
		broadcasts: make(map[string]*broadcast),
	}
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(newStateCollector(s))
	}
	return s
}

// Open gives the name to the one who asks, or says why not: ErrBadName,
// ErrUnauthorized, ErrForbidden, ErrAlreadyPublishing, ErrDraining. A name that
// is taken is refused as soon as its owner is heard; an owner that stays silent
// for half a second gives way, so that an encoder which was killed and restarted
// comes in again at once. The caller closes the Session.
func (s *Sessions) Open(ctx context.Context, req Request) (*Session, error) {
	session, err := s.open(ctx, req)
	if err != nil {
		s.metrics.refused.WithLabelValues(refusal(err)).Inc()
		return nil, fmt.Errorf("publish %q: %w", req.Name, err)
	}
	s.metrics.sessions.WithLabelValues(req.Protocol).Inc()
	return session, nil
}

func (s *Sessions) open(ctx context.Context, req Request) (*Session, error) {
	if err := ValidateName(req.Name); err != nil {
		return nil, err
	}
	var expires time.Time
	if s.cfg.Authorize != nil && !req.Trusted {
		var err error
		if expires, err = s.cfg.Authorize(ctx, req); err != nil {
			return nil, err
		}
	}
	session := &Session{parent: s, req: req, opened: time.Now(), done: make(chan struct{})}
	if err := s.own(ctx, session); err != nil {
		return nil, err
	}
	if !expires.IsZero() {
		session.expiry = time.AfterFunc(time.Until(expires), func() { session.end(ErrExpired) })
	}
	return session, nil
}

// own makes session the owner of its name, waiting for one before that may be dying.
func (s *Sessions) own(ctx context.Context, session *Session) error {
	for {
		claim, err := s.claim(session)
		if err != nil {
			return err
		}
		if claim.wait == 0 {
			return s.settle(ctx, session, claim)
		}
		if err := sleep(ctx, claim.wait, claim.old.done); err != nil {
			return err
		}
	}
}

// claim is the outcome of one look at a name.
type claim struct {
	broadcast *broadcast
	sink      HeldSink      // nil: to be made.
	stale     HeldSink      // Of another kind, to be closed first.
	old       *Session      // The owner before, if any.
	wait      time.Duration // Not claimed: the owner may be dying.
}

// claim makes session the owner of its name if it may be.
func (s *Sessions) claim(session *Session) (claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return claim{}, ErrDraining
	}
	b := s.broadcasts[session.req.Name]
	if b == nil {
		b = &broadcast{name: session.req.Name, since: session.opened, gone: make(chan struct{})}
		s.broadcasts[b.name] = b
		b.owner = session
		return claim{broadcast: b}, nil
	}
	old := b.owner
	if old != nil {
		idle := old.idle()
		switch {
		case b.sink == nil || old.age() < takeoverAfter || old.heardSince(session.opened):
			return claim{}, ErrAlreadyPublishing
		case idle < takeoverAfter:
			return claim{old: old, wait: min(lookAgain, takeoverAfter-idle)}, nil
		}
	}
	if b.hold != nil {
		b.hold.timer.Stop()
		b.hold = nil
		b.offerLocked(false)
	}
	b.owner = session
	b.reconnects++
	if own := session.req.NewSink != nil; own != b.own {
		stale := b.sink
		b.sink = nil
		return claim{broadcast: b, stale: stale, old: old}, nil
	}
	return claim{broadcast: b, sink: b.sink, old: old}, nil
}

// settle does outside the lock what a claim asks for.
func (s *Sessions) settle(ctx context.Context, session *Session, c claim) error {
	if c.old != nil {
		s.metrics.takeovers.Inc()
		s.log.Warn("silent publisher replaced", "name", session.req.Name,
			"old_remote", c.old.req.Remote, "remote", session.req.Remote)
		c.old.end(ErrTakenOver)
	}
	if c.stale != nil {
		c.stale.Close(ErrTakenOver)
	}
	if c.sink == nil {
		return s.make(ctx, session, c.broadcast, c.stale != nil)
	}
	s.metrics.reconnects.Inc()
	session.feed(c.sink)
	return nil
}

// make begins a broadcast, unless another gateway has it; again when it has begun
// and needs a sink of another kind.
func (s *Sessions) make(ctx context.Context, session *Session, b *broadcast, again bool) error {
	if s.cfg.Claim == nil || again {
		return s.makeSink(session, b, nil)
	}
	lease, err := s.cfg.Claim(ctx, session.req)
	if err != nil {
		s.mu.Lock()
		if s.broadcasts[b.name] == b {
			s.forgetLocked(b)
		}
		s.mu.Unlock()
		return err
	}
	if err = s.makeSink(session, b, lease); err != nil {
		lease.Release()
	}
	return err
}

func (s *Sessions) makeSink(session *Session, b *broadcast, lease Lease) error {
	newSink := s.cfg.NewSink
	if session.req.NewSink != nil {
		newSink = session.req.NewSink
	}
	sink, err := newSink(b.name)
	s.mu.Lock()
	closed := s.broadcasts[b.name] != b
	switch {
	case closed: // Close came in between.
	case err != nil:
		s.forgetLocked(b)
	default:
		b.sink, b.own = sink, session.req.NewSink != nil
		if lease != nil {
			b.lease = lease
			s.ending.Add(1)
			go s.watch(b, lease) // Close waits for it.
		}
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if closed {
		sink.Close(ErrDraining)
		return ErrDraining
	}
	session.feed(sink)
	return nil
}

// sleep waits for d, or until gone is closed.
func sleep(ctx context.Context, d time.Duration, gone <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-gone:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}
