package swarm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/relay/swarm"
)

// rig drives one Viewer by hand. Chunks are one piece of 12,500 bytes each 100 ms,
// 1 Mbit/s; the edge feeds what it is to.
type rig struct {
	t       *testing.T
	v       *swarm.Viewer
	now     time.Duration
	next    uint32
	feed    int
	silent  map[int]bool // sub-streams that nobody brings
	actions []swarm.Action
	parents []swarm.PeerID
	// brings says who brings a sub-stream that the edge does not, how late.
	brings map[int]swarm.PeerID
	lag    time.Duration
	due    []delivery
}

type delivery struct {
	at time.Duration
	e  swarm.Event
}

const chunkSize = 12_500

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, v: swarm.NewViewer(swarm.ViewerConfig{Seed: 7}), silent: map[int]bool{}, brings: map[int]swarm.PeerID{}}
	params := swarm.DefaultParams()
	params.Subs = 4
	r.tell(swarm.Event{Kind: swarm.EventWelcome, Self: 100, Mode: swarm.ModeOn, Params: &params})
	r.tell(swarm.Event{Kind: swarm.EventPlayout, Offset: params.Delay})
	r.tell(swarm.Event{Kind: swarm.EventUplink, Rate: 20_000_000})
	return r
}

// tell hands over an event and gives what it led to.
func (r *rig) tell(e swarm.Event) []swarm.Action {
	r.t.Helper()
	got := slices.Clone(r.v.Step(r.now, e))
	for _, a := range got {
		switch a.Kind {
		case swarm.ActionFeed:
			r.feed = a.Subs
		case swarm.ActionParents:
			r.parents = slices.Clone(a.Parents)
		case swarm.ActionHedge:
			r.later(20*time.Millisecond, swarm.Event{Kind: swarm.EventHedgeDone, Count: a.Count})
			for _, id := range a.IDs {
				r.later(20*time.Millisecond, swarm.Event{Kind: swarm.EventPiece, ID: id, Size: chunkSize, Hedged: true})
			}
		default:
		}
	}
	r.actions = append(r.actions, got...)
	return got
}

func (r *rig) later(in time.Duration, e swarm.Event) {
	r.due = append(r.due, delivery{r.now + in, e})
}

// run lets time pass: chunks each 100 ms, ticks each 50 ms; gives all actions.
func (r *rig) run(d time.Duration) []swarm.Action {
	r.t.Helper()
	from := len(r.actions)
	for end := r.now + d; r.now < end; r.now += 10 * time.Millisecond {
		if r.now%(100*time.Millisecond) == 0 {
			r.chunk()
		}
		r.deliver()
		if r.now%(50*time.Millisecond) == 0 {
			r.tell(swarm.Event{Kind: swarm.EventTick})
		}
	}
	return r.actions[from:]
}

func (r *rig) deliver() {
	due := r.due
	r.due = nil
	for _, d := range due {
		if d.at <= r.now {
			r.tell(d.e)
		} else {
			r.due = append(r.due, d)
		}
	}
}

func (r *rig) chunk() {
	id := swarm.PieceID{Group: 4, N: r.next}
	r.next++
	r.tell(swarm.Event{Kind: swarm.EventBeacon, ID: id, Sizes: []int{chunkSize}, PTS: r.now})
	sub := id.Sub(4)
	switch {
	case r.silent[sub]:
	case r.feed>>sub&1 != 0:
		r.tell(swarm.Event{Kind: swarm.EventPiece, ID: id, Size: chunkSize})
	case r.brings[sub] != swarm.Edge:
		r.later(r.lag, swarm.Event{Kind: swarm.EventPiece, Peer: r.brings[sub], ID: id, Size: chunkSize})
	}
}

// id is the nth piece from now of a sub-stream.
func (r *rig) id(sub, n int) swarm.PieceID {
	id := swarm.PieceID{Group: 4, N: r.next}
	for {
		if id.Sub(4) == sub {
			if n == 0 {
				return id
			}
			n--
		}
		id.N++
	}
}

func (r *rig) open(peers ...swarm.PeerID) {
	r.t.Helper()
	for _, p := range peers {
		r.tell(swarm.Event{Kind: swarm.EventCandidates, Candidates: []swarm.Candidate{{Peer: p}}})
		r.tell(swarm.Event{Kind: swarm.EventOpen, Peer: p, RTT: 40 * time.Millisecond})
	}
}

// adopt makes a peer the parent of a sub-stream that it brings.
func (r *rig) adopt(sub int, peer swarm.PeerID) {
	r.t.Helper()
	r.tell(swarm.Event{Kind: swarm.EventAssign, Sub: sub, Peer: peer})
	r.brings[sub] = peer
	r.tell(swarm.Event{Kind: swarm.EventPiece, Peer: peer, ID: r.beacon(sub), Size: chunkSize})
	if r.parents[sub] != peer {
		r.t.Fatalf("sub %d: parents %v, want %d", sub, r.parents, peer)
	}
}

// beacon announces pieces up to the next of a sub-stream, and gives that one; the
// others come from the edge.
func (r *rig) beacon(sub int) swarm.PieceID {
	for {
		id := swarm.PieceID{Group: 4, N: r.next}
		r.next++
		r.tell(swarm.Event{Kind: swarm.EventBeacon, ID: id, Sizes: []int{chunkSize}, PTS: r.now})
		if id.Sub(4) == sub {
			return id
		}
		r.tell(swarm.Event{Kind: swarm.EventPiece, ID: id, Size: chunkSize})
	}
}

// haveAll says that peer 2 has all pieces of the last three seconds.
func (r *rig) haveAll() {
	r.t.Helper()
	from := r.next - min(r.next, 30)
	r.tell(swarm.Event{Kind: swarm.EventHave, Peer: 2, Have: []swarm.HaveMap{{Group: 4, N: from, Bits: []byte{255, 255, 255, 255}}}})
}

// of picks the actions of a kind.
func of(actions []swarm.Action, kind swarm.ActionKind) []swarm.Action {
	return slices.DeleteFunc(slices.Clone(actions), func(a swarm.Action) bool { return a.Kind != kind })
}

// to picks those that concern a peer.
func to(actions []swarm.Action, peer swarm.PeerID) []swarm.Action {
	return slices.DeleteFunc(slices.Clone(actions), func(a swarm.Action) bool { return a.Peer != peer })
}

func expect(t *testing.T, actions []swarm.Action, want swarm.Action) {
	t.Helper()
	kinds := of(actions, want.Kind)
	for _, a := range kinds {
		if cmp.Equal(a, want) {
			return
		}
	}
	t.Errorf("%+v is not among %+v", want, kinds)
}

func expectNone(t *testing.T, actions []swarm.Action, kind swarm.ActionKind) {
	t.Helper()
	if got := of(actions, kind); len(got) > 0 {
		t.Errorf("%+v; want no %s", got, kind)
	}
}
