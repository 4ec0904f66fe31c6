package relay_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
)

func openGroup(tb testing.TB, t *relay.Track, id uint64) *relay.Group {
	tb.Helper()
	g, err := t.OpenGroup(id)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func openSubgroup(tb testing.TB, g *relay.Group, id uint64) *relay.Subgroup {
	tb.Helper()
	return openWith(tb, g, relay.SubgroupConfig{ID: id})
}

func openWith(tb testing.TB, g *relay.Group, cfg relay.SubgroupConfig) *relay.Subgroup {
	tb.Helper()
	s, err := g.OpenSubgroup(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func insert(tb testing.TB, s *relay.Subgroup, id uint64, payload string) {
	tb.Helper()
	if err := s.Insert(relay.Object{ID: id, Payload: []byte(payload), Complete: time.Now()}); err != nil {
		tb.Fatal(err)
	}
}

func open(tb testing.TB, s *relay.Subgroup, id uint64, size int) *relay.Filling {
	tb.Helper()
	f, err := s.Open(relay.Object{ID: id, Size: size, Complete: time.Now()})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func write(tb testing.TB, f *relay.Filling, payload string) {
	tb.Helper()
	if _, err := f.Write([]byte(payload)); err != nil {
		tb.Fatal(err)
	}
}

// showAll writes what a reader gets without waiting.
func showAll(tb testing.TB, r *relay.Reader) []string {
	tb.Helper()
	var out []string
	for {
		item, ok, err := r.TryNext()
		if err != nil {
			return append(out, err.Error())
		}
		if !ok {
			return out
		}
		o := item.Object
		switch {
		case item.SubgroupEnd:
			out = append(out, fmt.Sprintf("%d end of %d%s", item.Location.Group, o.Subgroup, cut(item)))
		case item.End:
			out = append(out, fmt.Sprintf("%d end%s", item.Location.Group, cut(item)))
		default:
			part := ""
			if !o.Whole() {
				part = fmt.Sprintf(" of %d", o.Size)
			}
			out = append(out, fmt.Sprintf("%d/%d in %d %s%s", item.Location.Group, o.ID, o.Subgroup, o.Payload, part))
		}
	}
}

func cut(item relay.Item) string {
	if item.Cut {
		return " cut"
	}
	return ""
}

func TestSubgroupsInterleave(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute})
	g := openGroup(t, tr, 5)
	even, odd := openSubgroup(t, g, 0), openWith(t, g, relay.SubgroupConfig{ID: 1, Last: true})
	insert(t, even, 0, "a")
	insert(t, odd, 1, "b")
	insert(t, odd, 3, "d")
	odd.End(true)
	equal(t, []bool{g.Closed(), g.EndsWith(1), g.EndsWith(0)}, []bool{false, true, false})
	insert(t, even, 2, "c")
	even.End(true)
	equal(t, showAll(t, tr.NewReader(relay.ReaderConfig{})),
		[]string{"5/0 in 0 a", "5/1 in 1 b", "5/3 in 1 d", "5 end of 1", "5/2 in 0 c", "5 end of 0", "5 end"})
	equal(t, showAll(t, tr.NewReader(relay.ReaderConfig{Start: relay.Location{Group: 5, Object: 2}})),
		[]string{"5/3 in 1 d", "5 end of 1", "5/2 in 0 c", "5 end of 0", "5 end"})
	equal(t, showAll(t, tr.NewReader(relay.ReaderConfig{Whole: true})),
		[]string{"5/0 in 0 a", "5/1 in 1 b", "5/3 in 1 d", "5/2 in 0 c", "5 end"})
	var ids []uint64
	for _, o := range g.Sorted() {
		ids = append(ids, o.ID)
	}
	equal(t, ids, []uint64{0, 1, 2, 3})
	largest, _ := tr.Largest()
	equal(t, largest, relay.Location{Group: 5, Object: 3})
}

// A group with gaps may still get what is in them, until newer groups have begun
// and time has passed.
func TestGroupWithGapsEndsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		restart := func(t *testing.T) (*relay.Track, *relay.Group) {
			t.Helper()
			tr := track(t, relay.TrackConfig{Window: time.Minute})
			g := openGroup(t, tr, 5)
			s := openWith(t, g, relay.SubgroupConfig{ID: 0, Last: true})
			insert(t, s, 3, "d")
			s.End(true)
			return tr, g
		}
		tr, g := restart(t)
		openGroup(t, tr, 6)
		time.Sleep(2 * time.Second)
		openSubgroup(t, g, 2).End(true) // Somebody looks again.
		equal(t, g.Closed(), false)
		tr, g = restart(t)
		openGroup(t, tr, 6)
		openGroup(t, tr, 7)
		equal(t, g.Closed(), false)
		late := openSubgroup(t, g, 1)
		insert(t, late, 1, "b")
		late.End(true)
		time.Sleep(time.Second)
		openGroup(t, tr, 8)
		equal(t, []bool{g.Closed(), g.Complete()}, []bool{true, true})
		equal(t, showAll(t, tr.NewReader(relay.ReaderConfig{})),
			[]string{"5/3 in 0 d", "5 end of 0", "5/1 in 1 b", "5 end of 1", "5 end"})
	})
}

func TestObjectIsReadWhileItArrives(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute})
	g := openGroup(t, tr, 1)
	s := openSubgroup(t, g, 0)
	f := open(t, s, 0, 6)
	partial, whole := tr.NewReader(relay.ReaderConfig{}), tr.NewReader(relay.ReaderConfig{Whole: true})
	equal(t, showAll(t, partial), []string{"1/0 in 0  of 6"})
	write(t, f, "abc")
	equal(t, showAll(t, whole), []string(nil))
	o, _ := g.Progress(0)
	equal(t, string(o.Payload), "abc")
	held := o.Payload
	write(t, f, "def")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, string(held), "abc")
	o, gone := g.Progress(0)
	equal(t, []any{string(o.Payload), o.Whole(), gone}, []any{"abcdef", true, false})
	equal(t, showAll(t, whole), []string{"1/0 in 0 abcdef"})
}

func TestBufferGrowsWithWhatComes(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute})
	g := openGroup(t, tr, 1)
	f := open(t, openSubgroup(t, g, 0), 0, 10<<20)
	write(t, f, "x")
	if o, _ := g.Progress(0); cap(o.Payload) > 64<<10+1 {
		t.Errorf("%d bytes set aside for one", cap(o.Payload))
	}
	equal(t, tr.Bytes(), 1)
	big := strings.Repeat("y", 10<<20-1)
	write(t, f, big)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	o, _ := g.Progress(0)
	equal(t, string(o.Payload) == "x"+big, true)
	equal(t, tr.Bytes(), 10<<20)
}

func TestObjectThatIsCutShort(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute})
	g := openGroup(t, tr, 1)
	s := openSubgroup(t, g, 0)
	insert(t, s, 0, "a")
	f := open(t, s, 1, 6)
	write(t, f, "abc")
	s.End(true)
	_, gone := g.Progress(1)
	equal(t, gone, true)
	equal(t, showAll(t, tr.NewReader(relay.ReaderConfig{})), []string{"1/0 in 0 a", "1 end of 0 cut"})
	g.Close()
	if _, err := f.Write([]byte("d")); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("write after the end: %v", err)
	}
	equal(t, g.Complete(), false)
}

func TestSameObjectAgain(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute})
	g := openGroup(t, tr, 1)
	s := openSubgroup(t, g, 0)
	insert(t, s, 3, "abc")
	for payload, want := range map[string]error{"abc": relay.ErrDuplicate, "abd": relay.ErrMalformed, "ab": relay.ErrMalformed} {
		if err := s.Insert(relay.Object{ID: 3, Payload: []byte(payload)}); !errors.Is(err, want) {
			t.Errorf("%s: %v", payload, err)
		}
	}
	f := open(t, s, 3, 3)
	write(t, f, "ab")
	if _, err := f.Write([]byte("cd")); !errors.Is(err, relay.ErrMalformed) {
		t.Errorf("more than its size: %v", err)
	}
	if _, err := f.Write([]byte("x")); !errors.Is(err, relay.ErrMalformed) {
		t.Errorf("other bytes: %v", err)
	}
	if _, err := s.Open(relay.Object{ID: 3, Size: 4}); !errors.Is(err, relay.ErrMalformed) {
		t.Errorf("other size: %v", err)
	}
	equal(t, g.Len(), 1)
	equal(t, tr.Bytes(), 3)
}

// A publisher that takes over goes on in the middle of an object, and no reader
// can tell.
func TestResumeWithinAnObject(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute})
	if _, ok := tr.Resume(); ok {
		t.Error("resume before anything came")
	}
	g := openGroup(t, tr, 7)
	s := openSubgroup(t, g, 0)
	insert(t, s, 0, "a")
	f := open(t, s, 1, 6)
	write(t, f, "abc")
	r := tr.NewReader(relay.ReaderConfig{})
	equal(t, showAll(t, r), []string{"7/0 in 0 a", "7/1 in 0 abc of 6"})
	if _, err := g.OpenSubgroup(relay.SubgroupConfig{}); !errors.Is(err, relay.ErrExists) {
		t.Errorf("two feed one subgroup: %v", err)
	}
	s.Suspend()
	from, _ := tr.Resume()
	equal(t, from, relay.Location{Group: 7, Object: 1})
	s = openWith(t, openGroup(t, tr, 7), relay.SubgroupConfig{Last: true})
	f = open(t, s, 1, 6)
	write(t, f, "abcdef")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	insert(t, s, 2, "b")
	s.End(true)
	o, gone := g.Progress(1)
	equal(t, []any{string(o.Payload), gone}, []any{"abcdef", false})
	equal(t, showAll(t, r), []string{"7/2 in 0 b", "7 end of 0", "7 end"})
	from, _ = tr.Resume()
	equal(t, from, relay.Location{Group: 8})
}

func TestGroupThatNobodyGoesOnWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := track(t, relay.TrackConfig{Window: time.Minute})
		s := openSubgroup(t, openGroup(t, tr, 7), 0)
		insert(t, s, 0, "a")
		s.Suspend()
		next := openSubgroup(t, openGroup(t, tr, 8), 0)
		insert(t, next, 0, "b")
		r := tr.NewReader(relay.ReaderConfig{})
		equal(t, showAll(t, r), []string{"7/0 in 0 a"}) // Somebody may.
		time.Sleep(time.Second)
		equal(t, showAll(t, r), []string{"7 end cut", "8/0 in 0 b"})
	})
}

func TestGroupsOutOfOrder(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute})
	newer := openSubgroup(t, openGroup(t, tr, 2), 0)
	older := openSubgroup(t, openGroup(t, tr, 1), 0)
	r := tr.NewReader(relay.ReaderConfig{})
	insert(t, newer, 0, "b")
	insert(t, older, 0, "a")
	equal(t, showAll(t, r), []string{"1/0 in 0 a"})
	older.End(true)
	equal(t, showAll(t, r), []string{"1 end of 0", "1 end", "2/0 in 0 b"})
}

// A reader of several groups hands out what comes, whichever group it is of.
func TestStalledGroupHoldsNoOtherBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := track(t, relay.TrackConfig{Window: time.Minute})
		var skips []string
		r := tr.NewReader(relay.ReaderConfig{
			Groups: 3, MaxLag: 2 * time.Second,
			OnSkip: func(reason relay.SkipReason, n int) { skips = append(skips, fmt.Sprint(reason, n)) },
		})
		second := openSubgroup(t, openGroup(t, tr, 2), 0)
		insert(t, second, 0, "c")
		equal(t, showAll(t, r), []string{"2/0 in 0 c"})
		first := openSubgroup(t, openGroup(t, tr, 1), 0)
		insert(t, first, 0, "a")
		stalled := open(t, first, 1, 100)
		third := openSubgroup(t, openGroup(t, tr, 3), 0)
		insert(t, third, 0, "e")
		insert(t, second, 1, "d")
		equal(t, showAll(t, r), []string{"1/0 in 0 a", "1/1 in 0  of 100", "2/1 in 0 d", "3/0 in 0 e"})
		insert(t, openSubgroup(t, openGroup(t, tr, 4), 0), 0, "f")
		equal(t, showAll(t, r), []string(nil)) // Three at one time.
		second.End(true)
		time.Sleep(time.Second)
		openGroup(t, tr, 5)
		equal(t, showAll(t, r), []string{"2 end of 0", "2 end", "4/0 in 0 f"})
		time.Sleep(time.Second + time.Millisecond)
		insert(t, third, 1, "g")
		insert(t, openSubgroup(t, openGroup(t, tr, 5), 0), 0, "h")
		equal(t, showAll(t, r), []string{"3/1 in 0 g", "5/0 in 0 h"})
		equal(t, skips, []string{"missing1"})
		write(t, stalled, "late")
		equal(t, showAll(t, r), []string(nil))
	})
}

func TestGroupThatLeftTheLog(t *testing.T) {
	tr := track(t, relay.TrackConfig{})
	openGroup(t, tr, 1)
	openGroup(t, tr, 5)
	if _, err := tr.OpenGroup(3); !errors.Is(err, relay.ErrOrder) {
		t.Errorf("%v", err)
	}
}

// A group that leaves the log as the next one begins is left by its readers, though
// its publisher never said that it was the last of it.
func TestReaderLeavesAGroupThatLeftTheLog(t *testing.T) {
	tr := track(t, relay.TrackConfig{})
	r := tr.NewReader(relay.ReaderConfig{Whole: true})
	var got []string
	for id := range uint64(3) {
		g, err := tr.OpenGroup(id)
		if err != nil {
			t.Fatal(err)
		}
		s, err := g.OpenSubgroup(relay.SubgroupConfig{})
		if err != nil {
			t.Fatal(err)
		}
		insert(t, s, 0, "a")
		s.End(true)
		got = append(got, showAll(t, r)...)
	}
	equal(t, got, []string{"0/0 in 0 a", "0 end", "1/0 in 0 a", "1 end", "2/0 in 0 a"})
}
