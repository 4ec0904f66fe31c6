package relay

import (
	"context"
	"errors"
	"time"
)

// startWait bounds the wait for the first object of a track that has been running
// upstream: a round trip, and the loss of a packet or two.
const startWait = time.Second

// AwaitStart waits a moment for the first object of a track that upstream said has
// some, so that who joins can be told where the track is.
func (t *Track) AwaitStart(ctx context.Context) { t.awaitPlace(ctx, Location{}) }

// AwaitStarted waits a moment until the log is as far as upstream was when this
// relay subscribed, for who asks for all that was published.
func (t *Track) AwaitStarted(ctx context.Context) {
	if t.cfg.Started != nil {
		t.awaitPlace(ctx, *t.cfg.Started)
	}
}

// awaitPlace waits for an object at a location or behind it.
func (t *Track) awaitPlace(ctx context.Context, at Location) {
	if t.cfg.Started == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for {
		changed := t.wait()
		if l, ok := t.Largest(); ok && !l.Less(at) || t.Err() != nil {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// ErrNotHere says of objects that neither the log nor anybody upstream has them.
var ErrNotHere = errors.New("no upstream to ask")

// Missing tells whether the head of a range may be found upstream, though not in
// the log: all before until. Start is inclusive; of end and until, Object is
// exclusive, and zero means the whole of the group before in until, and the whole
// of its own group in end (as in FETCH).
func (t *Track) Missing(start, end Location) (until Location, missing bool) {
	if t.parent == nil || t.parent.remote == nil {
		return Location{}, false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, g := range t.groups {
		first, ok := g.first()
		if !ok {
			continue
		}
		until = Location{Group: g.id, Object: first}
		break
	}
	if !start.Less(until) {
		return Location{}, false
	}
	if end.Object > 0 && end.Less(until) {
		until = end
	} else if end.Object == 0 && end.Group < until.Group {
		until = Location{Group: end.Group + 1}
	}
	return until, start.Less(until)
}

// FetchUpstream brings what Missing told of: the objects from start up to until,
// by rising location. They do not enter the log.
func (t *Track) FetchUpstream(ctx context.Context, start, until Location, emit func(group uint64, o Object) error) error {
	if t.parent == nil || t.parent.remote == nil {
		return ErrNotHere
	}
	end := until
	if end.Object == 0 {
		end.Group-- // The whole of the group before.
	}
	return t.parent.remote.cfg.Upstream.Fetch(ctx, t, start, end, func(group uint64, o Object) error {
		o.Size = len(o.Payload)
		return emit(group, o)
	})
}
