package moqt

import (
	"context"
	"sync"
	"time"
)

// DefaultMaxLag lets a viewer ride out a loss of radio for a moment; beyond it
// the live edge is worth more than what was missed.
const DefaultMaxLag = 2 * time.Second

// Limits bound what one peer can make this side hold. A zero field takes its
// default.
type Limits struct {
	// SetupTimeout is the time for the peer's SETUP. 5 s covers three lost
	// round trips on a poor path.
	SetupTimeout time.Duration
	// StallTimeout ends a session whose streams stall and that was delivered
	// no group to its end for so long. 10 s.
	StallTimeout time.Duration
	// Subscriptions at one time. 64: a ladder of renditions in several
	// languages, with room.
	Subscriptions int
	// Requests in flight, subscriptions among them. 128.
	Requests int
	// RelaySubscriptions are those of a relay, for which requests are as many more. 896:
	// with these, what quicconn.ServerConfig lets a peer have of streams, one for each
	// request from draft 17 on.
	RelaySubscriptions int
	// Namespaces that one peer may publish at one time. 64.
	Namespaces int
	// MessageRate is how many control messages per second are read, with
	// bursts of as many again; more are left waiting in the stream. 200.
	MessageRate int
}

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	if l.SetupTimeout <= 0 {
		l.SetupTimeout = 5 * time.Second
	}
	if l.StallTimeout <= 0 {
		l.StallTimeout = 10 * time.Second
	}
	def(&l.Subscriptions, 64)
	def(&l.Requests, 128)
	def(&l.RelaySubscriptions, 896)
	def(&l.Namespaces, 64)
	def(&l.MessageRate, 200)
	return l
}

// maxSubscriptions is how many the peer may have at one time.
func (s *session) maxSubscriptions() int {
	if s.relaying.Load() {
		return max(s.limits.Subscriptions, s.limits.RelaySubscriptions)
	}
	return s.limits.Subscriptions
}

// maxRequests is how many requests of the peer may be in flight.
func (s *session) maxRequests() int {
	return s.limits.Requests + s.maxSubscriptions() - s.limits.Subscriptions
}

// maxRendezvous bounds the wait that a subscriber can ask for with
// RENDEZVOUS_TIMEOUT.
const maxRendezvous = 10 * time.Second

// controlTimeout bounds a write of a control message: a peer that does not
// read what it asked for is gone.
const controlTimeout = 10 * time.Second

// reorderWait is how long something that came before what it refers to is held:
// streams of one connection may overtake each other.
const reorderWait = 2 * time.Second

// pace is a token bucket that makes readers wait rather than lose anything.
type pace struct {
	interval time.Duration
	burst    time.Duration

	mu   sync.Mutex
	next time.Time // Guarded by mu. When the bucket is next full for one more.
}

func newPace(perSecond int) *pace {
	return &pace{interval: time.Second / time.Duration(perSecond), burst: time.Second}
}

// wait takes a token, later if there is none now.
func (p *pace) wait(ctx context.Context) error {
	now := time.Now()
	p.mu.Lock()
	if oldest := now.Add(-p.burst); p.next.Before(oldest) {
		p.next = oldest
	}
	p.next = p.next.Add(p.interval)
	delay := p.next.Sub(now)
	p.mu.Unlock()
	if delay <= 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
