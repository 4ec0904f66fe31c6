package view

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
)

// feed hands a track groups of four objects, ten objects a second, less or more what
// the case does to them.
type feed struct {
	track *track
	now   time.Time
}

func (f *feed) object(group, id uint64) {
	f.now = f.now.Add(100 * time.Millisecond)
	f.track.see(item{Location: relay.Location{Group: group, Object: id}, payload: []byte("x"), arrived: f.now}, true)
}

func (f *feed) end(group uint64, reset error) { f.track.end(group, reset, f.now) }

func (f *feed) groups(from, to uint64) {
	for g := from; g <= to; g++ {
		for id := range uint64(4) {
			f.object(g, id)
		}
		f.end(g, nil)
	}
}

func TestTrackCountsWhatIsWrong(t *testing.T) {
	const first = 1_790_000_000_000
	for name, tt := range map[string]struct {
		fault func(f *feed)
		want  counts
		pause time.Duration
	}{
		"nothing": {fault: func(*feed) {}, pause: 100 * time.Millisecond},
		"a joiner in the midst of a group": {
			fault: func(f *feed) { f.object(first+3, 0); f.object(first+3, 1); f.object(first+3, 2); f.object(first+3, 3) },
			pause: 100 * time.Millisecond,
		},
		"an object is missing": {
			fault: func(f *feed) { f.object(first+3, 0); f.object(first+3, 2); f.object(first+3, 3); f.end(first+3, nil) },
			want:  counts{missing: 1}, pause: 100 * time.Millisecond,
		},
		"a group is missing": {
			fault: func(f *feed) { f.groups(first+4, first+4) },
			want:  counts{missing: 1, groups: 1}, pause: 100 * time.Millisecond,
		},
		"one is missing and another comes twice": {
			fault: func(f *feed) {
				f.object(first+3, 0)
				f.object(first+3, 2)
				f.object(first+3, 2)
				f.object(first+3, 3)
				f.end(first+3, nil)
			},
			want: counts{missing: 1, twice: 1}, pause: 200 * time.Millisecond,
		},
		"an ID out of bounds": {
			fault: func(f *feed) { f.groups(first+3, first+3); f.object(first+4, 1<<40); f.groups(first+4, first+4) },
			want:  counts{bad: 1}, pause: 200 * time.Millisecond,
		},
		"an object comes twice": {
			fault: func(f *feed) { f.groups(first+3, first+3); f.object(first+3, 1) },
			want:  counts{twice: 1}, pause: 200 * time.Millisecond,
		},
		"the tail of a group is lost": {
			fault: func(f *feed) { f.object(first+3, 0); f.end(first+3, moqt.ErrSessionClosed) },
			want:  counts{cut: 1}, pause: 100 * time.Millisecond,
		},
		"a stream is reset and another goes on with its group": {
			fault: func(f *feed) {
				f.object(first+3, 0)
				f.end(first+3, moqt.ErrSessionClosed)
				f.object(first+3, 1)
				f.end(first+3, nil)
			},
			pause: 100 * time.Millisecond,
		},
		"another origin": {
			fault: func(f *feed) { f.groups(first+60_000, first+60_000) },
			want:  counts{start: 1}, pause: 100 * time.Millisecond,
		},
		"a pause": {
			fault: func(f *feed) { f.now = f.now.Add(2 * time.Second); f.groups(first+3, first+3) },
			pause: 2100 * time.Millisecond,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &feed{track: newTrack(newTruth("video"), false), now: time.Unix(1_790_000_000, 0)}
			f.groups(first, first+2)
			tt.fault(f)
			next := f.track.newest.Group + 1
			f.groups(next, next+20)
			got := f.track.take(f.now)
			got.objects, got.bytes = 0, 0
			if got.counts != tt.want || got.pause != tt.pause {
				t.Errorf("counts %+v, pause %v; want %+v, %v", got.counts, got.pause, tt.want, tt.pause)
			}
		})
	}
}

func TestQuantilesAreByNearestRank(t *testing.T) {
	var values []float64
	for i := range 300 {
		values = append(values, float64(300-i))
	}
	if got, want := quantiles(values), (Quantiles{Count: 300, P50: 150, P90: 270, P99: 297, P999: 300, Max: 300}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := quantiles(nil); got != (Quantiles{}) {
		t.Errorf("of nothing: %+v", got)
	}
}
