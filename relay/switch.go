package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrLost is wrapped by an Upstream whose connection is gone: the track may go on
// from elsewhere.
var ErrLost = errors.New("upstream lost")

// ErrEnded is wrapped by an Upstream when the publisher ended the track: nothing follows.
var ErrEnded = errors.New("track ended")

// ErrMoved is wrapped by an Upstream when a track has ended there, and may go on
// elsewhere.
var ErrMoved = errors.New("track ended here")

// errSwitched ends a subscription at a source that was replaced.
var errSwitched = errors.New("another source is better")

// Switch is an Upstream whose source can change under way: readers of its tracks
// notice nothing but the time it takes. The zero value has no source yet.
type Switch struct {
	// Grace is how long a track that has ended at the source, or that the source does not
	// have any more, is asked for again, there or at another source: where a publisher
	// leaves for another place it ends, and that place knows the publisher before it has
	// the tracks. What its publisher ended is not asked for. Set before use.
	Grace time.Duration

	mu      sync.Mutex
	final   bool                    // Guarded by mu. Nothing follows what the source ends.
	source  Upstream                // Guarded by mu. nil while there is none.
	ctx     context.Context         // Guarded by mu. Ends when source is replaced.
	cancel  context.CancelCauseFunc // Guarded by mu.
	changed chan struct{}           // Guarded by mu. Closed and replaced by Set.
}

// Set changes the source; nil says that there is none for now.
func (s *Switch) Set(u Upstream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source == u {
		return
	}
	if s.cancel != nil {
		s.cancel(errSwitched)
	}
	s.source = u
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	if s.changed != nil {
		close(s.changed)
	}
	s.changed = make(chan struct{})
}

// Finish says that nothing will follow: a track that has ended at the source, or has
// none, ends without grace.
func (s *Switch) Finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.final = true
	if s.changed != nil {
		close(s.changed)
	}
	s.changed = make(chan struct{})
}

func (s *Switch) finished() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.final
}

// current is the source, its life, and what tells of the next.
func (s *Switch) current() (Upstream, context.Context, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
		s.ctx = context.Background()
	}
	return s.source, s.ctx, s.changed
}

// askAgain is the pause between requests for a track that is not there any more.
const askAgain = 100 * time.Millisecond

// Subscribe implements Upstream.
func (s *Switch) Subscribe(ctx context.Context, t *Track, accepted func(TrackConfig)) error {
	absence := absence{track: t, grace: s.Grace}
	for {
		source, life, changed := s.current()
		var err error
		if source != nil {
			err = subscribe(ctx, life, source, t, accepted)
		}
		patience := time.Duration(-1) // For ever.
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case life.Err() != nil:
			continue
		case s.finished():
			return over(err)
		case source == nil || errors.Is(err, ErrLost):
		case errors.Is(err, ErrMoved) || errors.Is(err, ErrNoTrack):
			if !absence.begun() {
				return err
			}
			if !absence.bearable() {
				return over(err)
			}
			patience = askAgain
		default:
			return err
		}
		await(ctx, changed, patience)
	}
}

// absence is how long a track has not been there.
type absence struct {
	track *Track
	grace time.Duration
	since time.Time
	at    Location // Where the track was then.
}

// begun tells whether anything has ever come. Else there is nothing to go on with.
func (a *absence) begun() bool {
	_, begun := a.track.Resume()
	return begun
}

// bearable tells whether the track may still come back.
func (a *absence) bearable() bool {
	at, _ := a.track.Resume()
	if a.since.IsZero() || at != a.at {
		a.since, a.at = time.Now(), at
	}
	return time.Since(a.since) < a.grace
}

// over is the end of a track that nobody waits for any more.
func over(err error) error {
	if err == nil || errors.Is(err, ErrEnded) {
		return cmp.Or(err, ErrEnded)
	}
	return fmt.Errorf("%w: %w", ErrEnded, err)
}

// subscribe is one subscription at one source.
func subscribe(ctx, life context.Context, source Upstream, t *Track, accepted func(TrackConfig)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(life, func() { cancel(context.Cause(life)) })
	defer stop()
	return source.Subscribe(ctx, t, accepted)
}

// await waits for a change, or until patience is over.
func await(ctx context.Context, changed <-chan struct{}, patience time.Duration) {
	var late <-chan time.Time
	if patience >= 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-changed:
	case <-ctx.Done():
	case <-late:
	}
}

// Fetch implements Upstream; the past is not worth a second source.
func (s *Switch) Fetch(ctx context.Context, t *Track, start, end Location, emit func(uint64, Object) error) error {
	source, _, _ := s.current()
	if source == nil {
		return fmt.Errorf("fetch: %w", ErrLost)
	}
	return source.Fetch(ctx, t, start, end, emit)
}
