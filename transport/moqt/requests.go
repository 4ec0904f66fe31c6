package moqt

import (
	"context"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// incoming holds the requests of the peer.
type incoming struct {
	s *session

	mu            sync.Mutex
	ids           idTracker                    // Guarded by mu.
	exchanges     map[uint64]*exchange         // Guarded by mu.
	subscriptions map[*relay.Track]*exchange   // Guarded by mu. One per track.
	prefixes      map[relay.Namespace]struct{} // Guarded by mu. Namespace subscriptions.
	changed       chan struct{}                // Guarded by mu. Closed and replaced when a request comes.

	publishing sync.Mutex                     // Held while a namespace is asked for.
	publishers map[relay.Namespace]*Publisher // Guarded by publishing.
}

func (in *incoming) init(s *session) {
	in.s = s
	in.exchanges = make(map[uint64]*exchange)
	in.subscriptions = make(map[*relay.Track]*exchange)
	in.prefixes = make(map[relay.Namespace]struct{})
	in.changed = make(chan struct{})
	in.ids.parity = 0
	if s.role == roleClient {
		in.ids.parity = 1
	}
	in.ids.next = in.ids.parity
	if s.d.Control == wire.OneBidi {
		in.ids.max = 2 * requestWindow
	}
}

// open takes a new request and answers it on a goroutine of its own. An error
// ends the session.
func (in *incoming) open(m wire.Message, st Stream, w *messageWriter) error {
	x := &exchange{s: in.s, id: requestID(m), w: w, st: st, settled: make(chan struct{})}
	x.ctx, x.cancel = context.WithCancel(in.s.ctx)
	raised, busy, err := in.enter(x)
	if err != nil {
		x.cancel()
		return err
	}
	if st != nil {
		// STOP_SENDING cancels, and only the stream's context shows it.
		context.AfterFunc(st.Context(), x.cancel)
	}
	in.s.tasks.Go(func() {
		defer in.close(x)
		if raised != 0 {
			_ = in.s.control.write(&wire.MaxRequestID{Max: raised})
		}
		if busy {
			x.refuse(wire.RequestExcessiveLoad, "too many requests in flight")
			return
		}
		x.serve(m)
	})
	return nil
}

// enter files a request unless there are too many. Its Request ID and the request
// itself show at the same moment: a joining fetch that came first and finds the ID
// taken without its request would think the subscription over (await).
func (in *incoming) enter(x *exchange) (raised uint64, busy bool, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if raised, err = in.takeLocked(x.id); err != nil {
		return 0, false, err
	}
	if busy = len(in.exchanges) >= in.s.maxRequests(); !busy {
		in.exchanges[x.id] = x
	}
	close(in.changed)
	in.changed = make(chan struct{})
	return raised, busy, nil
}

// takeLocked notes a Request ID and gives the new maximum to announce, if it is
// time.
func (in *incoming) takeLocked(id uint64) (raised uint64, err error) {
	if err := in.ids.take(id); err != nil {
		return 0, err
	}
	if in.ids.max != 0 && in.ids.max-id < requestWindow {
		in.ids.max += 2 * requestWindow
		return in.ids.max, nil
	}
	return 0, nil
}

func (in *incoming) maxID() uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.ids.max
}

func (in *incoming) nextID() uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.ids.highest()
}

// close forgets a request that was answered or cancelled.
func (in *incoming) close(x *exchange) {
	in.mu.Lock()
	if in.exchanges[x.id] == x {
		delete(in.exchanges, x.id)
	}
	in.mu.Unlock()
	cancelled := x.ctx.Err() != nil && !x.expired.Load()
	x.cancel()
	if x.st == nil {
		return
	}
	if cancelled {
		x.st.CancelWrite(in.s.d.Reset(wire.ResetCancelled))
	} else {
		_ = x.st.Close()
	}
	x.st.CancelRead(in.s.d.Reset(wire.ResetCancelled))
}

// cancel ends a request by the peer's wish; one that has ended is no fault.
func (in *incoming) cancel(id uint64) {
	if x, ok := in.find(id); ok {
		x.cancel()
	}
}

func (in *incoming) find(id uint64) (*exchange, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	x, ok := in.exchanges[id]
	return x, ok
}

// await finds a request that may still be under way on another stream.
func (in *incoming) await(ctx context.Context, id uint64) (*exchange, bool) {
	timer := time.NewTimer(reorderWait)
	defer timer.Stop()
	for {
		in.mu.Lock()
		x, ok := in.exchanges[id]
		seen, changed := in.ids.seen(id), in.changed
		in.mu.Unlock()
		if ok || seen {
			return x, ok
		}
		select {
		case <-changed:
		case <-timer.C:
			return nil, false
		case <-ctx.Done():
			return nil, false
		}
	}
}

// update hands a REQUEST_UPDATE to its request.
func (in *incoming) update(m *wire.RequestUpdate) error {
	in.mu.Lock()
	_, err := in.takeLocked(m.RequestID)
	x, ok := in.exchanges[m.ExistingID]
	seen := in.ids.seen(m.ExistingID)
	in.mu.Unlock()
	switch {
	case err != nil:
		return err
	case ok:
		return x.update(m)
	case !seen:
		return wire.Violation("REQUEST_UPDATE for a request that was not made")
	}
	if in.s.d.Control == wire.OneBidi {
		// It has just ended here; the peer could not know. Where requests have
		// streams of their own, the end of the stream says so.
		in.s.tasks.Go(func() { in.refuseLate(m) })
	}
	return nil
}

func (in *incoming) refuseLate(m *wire.RequestUpdate) {
	err := in.s.control.write(&wire.RequestError{
		RequestID: m.RequestID, Code: wire.RequestDoesNotExist, Reason: "the request has ended",
	})
	if err != nil {
		in.s.fail(err)
	}
}

func requestID(m wire.Message) uint64 {
	switch m := m.(type) {
	case *wire.Subscribe:
		return m.RequestID
	case *wire.Publish:
		return m.RequestID
	case *wire.Fetch:
		return m.RequestID
	case *wire.TrackStatus:
		return m.RequestID
	case *wire.PublishNamespace:
		return m.RequestID
	case *wire.SubscribeNamespace:
		return m.RequestID
	case *wire.SubscribeTracks:
		return m.RequestID
	}
	return 0
}
