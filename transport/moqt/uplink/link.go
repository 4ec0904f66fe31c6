package uplink

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/routes"
)

// link is the connection to one parent, through all its sessions.
type link struct {
	m      *Manager
	url    string
	cost   atomic.Int64
	ctx    context.Context
	cancel context.CancelFunc

	unwanted bool // Guarded by m.mu. It is left when nothing comes from it.

	mu       sync.Mutex
	session  *session        // Guarded by mu. nil while there is none.
	failed   bool            // Guarded by mu. There is none although it was tried.
	leaving  *session        // Guarded by mu. The one before, until session can replace it.
	distance routes.Distance // Guarded by mu.
}

func newLink(m *Manager, p Parent) *link {
	l := &link{m: m, url: p.URL}
	l.cost.Store(int64(p.Cost))
	l.ctx, l.cancel = context.WithCancel(m.ctx)
	return l
}

// upstream is the source that the present session is; nil without one.
func (l *link) upstream() relay.Upstream {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session == nil {
		return nil
	}
	return l.session
}

// renew leaves the present session, if there is one.
func (l *link) renew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != nil {
		l.session.leave("")
	}
}

// begin makes s the session; the one before stays until s knows its broadcasts.
func (l *link) begin(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaving, l.session, l.failed = l.session, s, false
}

// miss notes that an attempt has failed.
func (l *link) miss() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = l.session == nil
}

// end forgets a session that has ended; its broadcasts move before its streams are
// closed.
func (l *link) end(s *session) {
	l.mu.Lock()
	was := l.session == s
	if was {
		l.session, l.failed = nil, true
	}
	l.mu.Unlock()
	if was {
		l.m.lost(l)
	}
	_ = s.c.Close()
}

// take notes what s announces, and leaves the session before it.
func (l *link) take(s *session, list []routes.Route) {
	l.mu.Lock()
	if l.session != s {
		l.mu.Unlock()
		return
	}
	before := l.leaving
	l.leaving = nil
	l.mu.Unlock()
	l.measure(s)
	l.m.heard(l, s, list)
	if before != nil {
		_ = before.c.Close()
	}
}

// reconsider makes every other parent better than this one while its session s goes
// away, or is silent.
func (l *link) reconsider(s *session) {
	l.mu.Lock()
	current := l.session == s
	l.mu.Unlock()
	if current {
		l.m.doubt(l)
	}
}

func (l *link) doubtful() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session != nil && l.session.doubtful()
}

// answers tells whether the parent can be counted on; known is false until it was tried.
func (l *link) answers() (ok, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session == nil {
		return false, l.failed
	}
	return !l.session.doubtful(), true
}
