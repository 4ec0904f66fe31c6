package swarm

import (
	"slices"
	"testing"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// What the feeding goes by stays as it is when the viewer changes its mind: it is read
// without the lock.
func TestWishesAreNotWrittenOver(t *testing.T) {
	f := newFeeder(nil, nil)
	for group := uint64(1); group <= 3; group++ {
		f.want(wish{from: policy.PieceID{Group: group}, subs: 1})
	}
	held := f.schedule
	before := slices.Clone(held)
	f.want(wish{from: policy.PieceID{Group: 2}, subs: 8})
	if !slices.Equal(held, before) {
		t.Errorf("%+v became %+v", before, held)
	}
	if want := (schedule{before[0], {from: policy.PieceID{Group: 2}, subs: 8}}); !slices.Equal(f.schedule, want) {
		t.Errorf("%+v is wished for, not %+v", f.schedule, want)
	}
}
