package relay_test

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// What a reader has skipped, or was read, does not come again: not the groups that
// began since it last looked for some, nor the newest one twice.
func TestSkippedGroupsStayAway(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute})
	begin := func(id uint64) *relay.Subgroup {
		s := openWith(t, openGroup(t, tr, id), relay.SubgroupConfig{Last: true})
		insert(t, s, 0, "a")
		return s
	}
	for id := range uint64(3) {
		begin(id)
	}
	var counted skips
	r := tr.NewReader(relay.ReaderConfig{Groups: 3, OnSkip: counted.add})
	equal(t, showAll(t, r), []string{"0/0 in 0 a", "1/0 in 0 a", "2/0 in 0 a"})
	begin(3)
	newest := begin(4) // As many as it reads at a time are read, so it has not looked for these.
	oldest, _ := tr.Group(0)
	r.SkipGroup(oldest)
	equal(t, showAll(t, r), []string{"4/0 in 0 a"})
	equal(t, counted, skips{"stalled 4"})
	insert(t, newest, 1, "b")
	equal(t, showAll(t, r), []string{"4/1 in 0 b"})
}

// The newest group was read to its end, or given up, when an older one is.
func TestNewestGroupIsReadOnce(t *testing.T) {
	for name, over := range map[string]func(*relay.Reader, *relay.Subgroup, *relay.Group) []string{
		"read": func(r *relay.Reader, s *relay.Subgroup, _ *relay.Group) []string {
			s.End(true)
			return showAll(t, r)
		},
		"given up": func(r *relay.Reader, _ *relay.Subgroup, g *relay.Group) []string {
			r.SkipGroup(g)
			return []string{"2 end of 0", "2 end"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := track(t, relay.TrackConfig{Window: time.Minute})
			old, newest := openGroup(t, tr, 1), openGroup(t, tr, 2)
			stalls, s := openSubgroup(t, old, 0), openWith(t, newest, relay.SubgroupConfig{Last: true})
			insert(t, stalls, 0, "a")
			insert(t, s, 0, "b")
			r := tr.NewReader(relay.ReaderConfig{Groups: 3})
			equal(t, showAll(t, r), []string{"1/0 in 0 a", "2/0 in 0 b"})
			equal(t, over(r, s, newest), []string{"2 end of 0", "2 end"})
			r.SkipGroup(old)
			insert(t, stalls, 1, "c")
			insert(t, openSubgroup(t, openGroup(t, tr, 3), 0), 0, "d")
			equal(t, showAll(t, r), []string{"3/0 in 0 d"})
		})
	}
}

// Who skips stays within the range that was asked for.
func TestSkipWithinARange(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute})
	for id := range uint64(5) {
		insert(t, openSubgroup(t, openGroup(t, tr, id), 0), 0, "a")
	}
	r := tr.NewReader(relay.ReaderConfig{Until: 3})
	equal(t, take(t, r, 1), []string{"0/0 a"})
	g, _ := tr.Group(0)
	r.SkipGroup(g)
	equal(t, take(t, r, 1), []string{"2/0 a"})
}
