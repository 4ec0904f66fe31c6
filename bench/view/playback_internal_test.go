package view

import (
	"testing"
	"time"
)

// Two tracks of 100 ms chunks, a buffer of 300 ms.
func TestPlaybackStalls(t *testing.T) {
	const chunk = 100 * time.Millisecond
	type step struct {
		at    int // In chunks.
		track string
		media int // The chunk.
	}
	both := func(from, to, late int) (out []step) {
		for i := from; i < to; i++ {
			out = append(out, step{i + 1 + late, "video", i}, step{i + 1 + late, "audio", i})
		}
		return out
	}
	join := func(parts ...[]step) (out []step) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	// One track after another comes as time goes by: beside both, what extra says.
	beside := func(from, to int, extra func(i int) step) (out []step) {
		for i := from; i < to; i++ {
			out = append(out, both(i, i+1, 0)...)
			if s := extra(i); s.track != "" {
				out = append(out, s)
			}
		}
		return out
	}
	var late []step // Audio, by five chunks.
	for i := range 20 {
		late = append(late, step{i + 1, "video", i})
		if i >= 5 {
			late = append(late, step{i + 1, "audio", i - 5})
		}
	}
	for name, tt := range map[string]struct {
		steps  []step
		until  int
		began  int
		stalls int
		length time.Duration
	}{
		"in time":                        {both(0, 20, 0), 20, 3, 0, 0},
		"late by less than the buffer":   {join(both(0, 10, 0), both(10, 20, 2)), 22, 3, 0, 0},
		"late by more than the buffer":   {join(both(0, 10, 0), both(10, 20, 5)), 25, 3, 1, 5 * chunk},
		"a hole shorter than the buffer": {join(both(0, 10, 0), both(12, 22, 0)), 22, 3, 0, 0},
		"nothing more comes":             {both(0, 10, 0), 20, 3, 1, 7 * chunk},
		"one track stops": {
			append(both(0, 10, 0), step{11, "audio", 10}, step{12, "audio", 11}, step{13, "audio", 12}, step{14, "audio", 13}), 15, 3, 1, 2 * chunk,
		},
		"never enough to begin": {both(0, 2, 0), 20, -1, 0, 0},
		"another timeline":      {join(both(0, 10, 0), both(1010, 1020, -1000)), 20, 3, 0, 0},
		"and then no more":      {join(both(0, 10, 0), both(1010, 1020, -1000)), 30, 3, 1, 7 * chunk},
		"a timeline before":     {join(both(1000, 1010, -1000), both(0, 10, 10)), 20, 3, 0, 0},
		"a track that is late":  {late, 20, 8, 0, 0},
		"a track that joins":    {beside(0, 20, func(i int) step { return [2]step{{}, {i + 1, "video.2", i}}[i/10] }), 20, 3, 0, 0},
		"fetched behind live":   {join([]step{{1, "video", 5}, {1, "audio", 5}, {1, "video", 4}, {1, "audio", 4}, {1, "video", 3}, {1, "audio", 3}}, both(6, 12, -5)), 5, 1, 0, 0},
		"a burst at the start":  {join(both(0, 10, 0)[:0], []step{{1, "video", 0}, {1, "audio", 0}, {1, "video", 1}, {1, "audio", 1}, {1, "video", 2}, {1, "audio", 2}}, both(3, 9, 0)), 4, 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := playback{target: 3 * chunk}
			p.expect("video")
			p.expect("audio")
			start := time.Unix(1_790_000_000, 0)
			at := func(chunks int) time.Time { return start.Add(time.Duration(chunks) * chunk) }
			for _, s := range tt.steps {
				if s.at <= tt.until {
					p.add(s.track, media{start: time.Duration(s.media) * chunk, end: time.Duration(s.media+1) * chunk}, at(s.at))
				}
			}
			stalls, length := p.read(at(tt.until))
			if stalls != tt.stalls || length != tt.length {
				t.Errorf("%d stalls of %v, want %d of %v", stalls, length, tt.stalls, tt.length)
			}
			if tt.began < 0 && !p.began.IsZero() || tt.began >= 0 && !p.began.Equal(at(tt.began)) {
				t.Errorf("began at %v, want %d chunks", p.began.Sub(start), tt.began)
			}
		})
	}
}
