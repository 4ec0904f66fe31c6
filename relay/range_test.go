package relay_test

import (
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// A group behind the range may come before those in it: the reader waits for them,
// for a while if an ID was left out.
func TestRangeWhoseEndComesFirst(t *testing.T) {
	for _, tt := range []struct {
		name  string
		late  []uint64
		waits bool // For the grace.
	}{
		{"all groups come", []uint64{3, 2}, false},
		{"one does not", []uint64{3}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := track(t, relay.TrackConfig{Window: time.Minute})
				r := tr.NewReader(relay.ReaderConfig{Start: relay.Location{Group: 2}, Until: 4, Groups: 3})
				openGroup(t, tr, 4)
				if _, _, err := r.TryNext(); err != nil {
					t.Fatalf("at the group behind: %v", err)
				}
				for _, id := range tt.late {
					g := openGroup(t, tr, id)
					insert(t, openSubgroup(t, g, 0), 0, "x")
					g.Close()
				}
				var groups []uint64
				for range tt.late {
					groups = append(groups, objectIn(t, r))
				}
				slices.Sort(groups)
				want := slices.Sorted(slices.Values(tt.late))
				if !slices.Equal(groups, want) {
					t.Errorf("read groups %v; want %v", groups, want)
				}
				_, _, err := r.TryNext()
				if !tt.waits != errors.Is(err, io.EOF) {
					t.Errorf("then: %v", err)
				}
				time.Sleep(2 * time.Second)
				if _, _, err := r.TryNext(); !errors.Is(err, io.EOF) {
					t.Errorf("later: %v", err)
				}
			})
		})
	}
}

// objectIn reads up to the end of a group and gives its ID.
func objectIn(t *testing.T, r *relay.Reader) uint64 {
	t.Helper()
	for {
		item, ok, err := r.TryNext()
		if err != nil || !ok {
			t.Fatalf("%t, %v", ok, err)
		}
		if item.End {
			return item.Location.Group
		}
	}
}
