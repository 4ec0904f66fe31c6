package moq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
)

// endingWait is how much later than that of another track the end of the catalog may
// come, when a publisher ends them all.
const endingWait = 500 * time.Millisecond

// source is a publisher as the tracks see it. Who ends the catalog ends the broadcast,
// and that is held whichever way its publisher goes: its tracks are lost, for the next to go on with.
type source struct {
	relay.Upstream

	b    *broadcast
	over chan struct{} // Closed when the catalog has ended.
	once sync.Once
}

// Subscribe implements relay.Upstream.
func (s *source) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	err := s.Upstream.Subscribe(ctx, t, accepted)
	if errors.Is(err, relay.ErrEnded) && s.ending(ctx, t.Name()) {
		return fmt.Errorf("%w: the broadcast has ended: %w", relay.ErrLost, err)
	}
	return err
}

// ending tells whether a track that has ended did so with all others.
func (s *source) ending(ctx context.Context, track string) bool {
	if track == msf.TrackName {
		s.once.Do(func() { close(s.over) })
		return true
	}
	if !s.b.described() {
		return false // There is no catalog that could end.
	}
	timer := time.NewTimer(endingWait)
	defer timer.Stop()
	select {
	case <-s.over:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}
