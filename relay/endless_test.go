package relay_test

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// A group that never ends is held up to its bound: who reads in time gets all of it,
// who is behind skips, which is counted and cuts the group, and who joins starts with
// what is left.
func TestEndlessGroupIsBounded(t *testing.T) {
	const limit = 10_000
	tr := track(t, relay.TrackConfig{Window: time.Minute, MaxGroupBytes: limit})
	g, err := tr.NewGroup(1)
	if err != nil {
		t.Fatal(err)
	}
	var counted skips
	prompt, slow := tr.NewReader(relay.ReaderConfig{OnSkip: counted.add}), tr.NewReader(relay.ReaderConfig{OnSkip: counted.add})
	payload := make([]byte, 1000)
	read := func(r *relay.Reader) (ids []uint64, cut bool) {
		for {
			item, ok, err := r.TryNext()
			if !ok || err != nil || item.End {
				return ids, item.Cut
			}
			ids = append(ids, item.Location.Object)
		}
	}
	for id := range uint64(30) {
		if err := g.Append(relay.Object{Payload: payload, Complete: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if ids, _ := read(prompt); len(ids) != 1 || ids[0] != id {
			t.Fatalf("object %d: %d", id, ids)
		}
		if id == 0 {
			read(slow)
		}
		if n := tr.Bytes(); n > limit {
			t.Fatalf("%d bytes are held after %d objects", n, id+1)
		}
	}
	equal(t, []string(counted), []string(nil))
	left := g.Trimmed()
	if left < 20 || left > 29 {
		t.Errorf("what is left begins at %d", left)
	}
	if _, ok := g.Get(0); ok {
		t.Error("the first object is still there")
	}
	late := tr.NewReader(relay.ReaderConfig{OnSkip: counted.add})
	if ids, _ := read(late); len(ids) != 30-int(left) || ids[0] != left {
		t.Errorf("who joins reads %d", ids)
	}
	equal(t, []string(counted), []string(nil))
	if ids, _ := read(slow); len(ids) != 30-int(left) || ids[0] != left {
		t.Errorf("who is behind reads %d", ids)
	}
	equal(t, []string(counted), []string{"evicted 1"})
	g.Close()
	for name, tt := range map[string]struct {
		r   *relay.Reader
		cut bool
	}{"prompt": {prompt, false}, "behind": {slow, true}, "late": {late, false}} {
		if _, cut := read(tt.r); cut != tt.cut {
			t.Errorf("%s: the group ends cut: %v", name, cut)
		}
	}
}

// A track without a bound of its own has that of its relay.
func TestGroupBoundOfTheRelay(t *testing.T) {
	const limit = 10_000
	r := relay.New(relay.Config{MaxGroupBytes: limit})
	b, err := r.Publish("live/cam1")
	if err != nil {
		t.Fatal(err)
	}
	tr, err := b.NewTrack("video", relay.TrackConfig{Window: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	g, err := tr.NewGroup(1)
	if err != nil {
		t.Fatal(err)
	}
	for range 30 {
		if err := g.Append(relay.Object{Payload: make([]byte, 1000), Complete: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if n := tr.Bytes(); n > limit || n < 1000 || g.Trimmed() == 0 {
		t.Errorf("%d bytes are held, from object %d on", n, g.Trimmed())
	}
}
