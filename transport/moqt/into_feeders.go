package moqt

import (
	"context"
	"sync"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// feeders is all that writes to a track for one subscription: its streams, and the
// fetch of what was missing. When the subscription is left they are stopped and
// waited for, so that whoever goes on with the track finds every subgroup free. A
// peer that is silent, or some way off, would reset its streams too late.
type feeders struct {
	ctx    context.Context // Ends when the subscription is left, and with the session.
	cancel context.CancelFunc

	mu      sync.Mutex
	left    bool                       // Guarded by mu.
	streams map[ReceiveStream]struct{} // Guarded by mu.
	running sync.WaitGroup
}

func newFeeders(ctx context.Context) *feeders {
	f := &feeders{streams: make(map[ReceiveStream]struct{})}
	f.ctx, f.cancel = context.WithCancel(ctx)
	return f
}

// enter counts a feeder in, that of a stream if st is not nil; false when the
// subscription was left. exit must follow.
func (f *feeders) enter(st ReceiveStream) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left {
		return false
	}
	if st != nil {
		f.streams[st] = struct{}{}
	}
	f.running.Add(1)
	return true
}

func (f *feeders) exit(st ReceiveStream) {
	f.mu.Lock()
	delete(f.streams, st)
	f.mu.Unlock()
	f.running.Done()
}

// stop returns when nobody feeds the track any more.
func (f *feeders) stop(code uint64) {
	f.cancel()
	f.mu.Lock()
	f.left = true
	streams := make([]ReceiveStream, 0, len(f.streams))
	for st := range f.streams {
		streams = append(streams, st)
	}
	f.mu.Unlock()
	for _, st := range streams {
		st.CancelRead(code)
	}
	f.running.Wait()
}

// leave ends what the subscription feeds.
func (in *intoTrack) leave() { in.feeders.stop(in.s.d.Reset(wire.ResetCancelled)) }
