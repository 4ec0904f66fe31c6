package moqt

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

const (
	// goawayEvery is the pause between the GOAWAYs of a drain: each sends a viewer to
	// another server, whom its handshake costs some milliseconds of CPU.
	goawayEvery = 20 * time.Millisecond
	// goawayPart is the part of a drain within which all have been told, however many
	// they are: the rest of it is theirs to leave in.
	goawayPart = 3
)

// Drain sends GOAWAY to all sessions, with the URI of another server or "" for
// the same one, and waits until they have left. They are told one after the other,
// so that they do not arrive elsewhere at the same moment: each 20 ms, or closer,
// so that a third of the time is enough. Those that are still there when ctx ends are
// closed. New sessions are refused from now on.
func (s *Server) Drain(ctx context.Context, uri string) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(time.Minute)
	}
	sessions, idle := s.beginDrain()
	var tasks sync.WaitGroup
	tasks.Go(func() { goAwayInTurn(ctx, idle, sessions, uri, deadline) })
	select {
	case <-idle:
	case <-ctx.Done():
	}
	for _, sess := range sessions {
		sess.fail(&wire.Error{Code: wire.GoawayTimeout, Reason: "server is going away"})
	}
	tasks.Wait()
}

// beginDrain refuses sessions from now on and gives those that there are, in no
// order, and what tells that all have left.
func (s *Server) beginDrain() (sessions []*session, idle <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for sess := range s.sessions {
		sessions = append(sessions, sess)
	}
	if len(sessions) == 0 {
		s.closeIdleLocked()
	}
	rand.Shuffle(len(sessions), func(i, j int) { sessions[i], sessions[j] = sessions[j], sessions[i] })
	return sessions, s.idle
}

// goAwayInTurn asks sessions to leave by deadline, one after the other. It returns
// when all were told, or nobody is left to be.
func goAwayInTurn(ctx context.Context, idle <-chan struct{}, sessions []*session, uri string, deadline time.Time) {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	every := min(goawayEvery, max(time.Until(deadline), 0)/goawayPart/time.Duration(max(len(sessions), 1)))
	next := time.NewTimer(0)
	defer next.Stop()
	for _, sess := range sessions {
		if sess.ctx.Err() != nil {
			continue // Its turn is another's.
		}
		select {
		case <-next.C:
		case <-idle:
			return
		case <-ctx.Done():
			return
		}
		next.Reset(every)
		tasks.Go(func() { sess.goAway(uri, deadline) })
	}
}
