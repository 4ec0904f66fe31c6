package packager_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/freshet-live/freshet/relay"
)

// walk checks the rules that neither ffmpeg nor the DASH-IF validator sees
// broken: sequence numbers, sync flags, presentation from the decode time on;
// and those of the chunk's form.
//
// slack is how far, in the timescale, the first PTS of a group may be off its
// tfdt: where the reordering or the frame rate changes, the durations before it
// are published already.
func walk(tb testing.TB, t *relay.Track, slack int32) {
	tb.Helper()
	all := chunks(tb, t)
	if len(all) == 0 {
		tb.Fatalf("%s: no chunks", t.Name())
	}
	next := all[0].DecodeTime
	for i, c := range all {
		if want := all[0].Sequence + uint32(i); c.Sequence != want {
			tb.Errorf("%s chunk %d: sequence %d, want %d", t.Name(), i, c.Sequence, want)
		}
		if c.DecodeTime != next {
			tb.Errorf("%s chunk %d: tfdt %d, the sum of durations is %d", t.Name(), i, c.DecodeTime, next)
		}
		next = c.DecodeTime + c.Duration
		if c.first != c.Segment || c.first != c.HasProducer {
			tb.Errorf("%s chunk %d: first %v, styp %v, prft %v", t.Name(), i, c.first, c.Segment, c.HasProducer)
		}
		walkBoxes(tb, t.Name(), i, c, slack)
	}
}

func walkBoxes(tb testing.TB, name string, i int, c chunk, slack int32) {
	tb.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(c.payload))
	if err != nil {
		tb.Fatalf("%s chunk %d: %v", name, i, err)
	}
	var order []string
	for rest := c.payload; len(rest) > 0; {
		size := int(rest[0])<<24 | int(rest[1])<<16 | int(rest[2])<<8 | int(rest[3])
		order = append(order, string(rest[4:8]))
		rest = rest[size:]
	}
	want := []string{"moof", "mdat"}
	if c.first {
		want = []string{"styp", "prft", "moof", "mdat"}
	}
	if !slices.Equal(order, want) {
		tb.Errorf("%s chunk %d: boxes %v", name, i, order)
	}
	samples, err := f.Segments[0].Fragments[0].GetFullSamples(nil)
	if err != nil {
		tb.Fatalf("%s chunk %d: %v", name, i, err)
	}
	for j, s := range samples {
		if s.Dur == 0 || s.Dur > 1<<31 {
			tb.Errorf("%s chunk %d sample %d: duration %d", name, i, j, s.Dur)
		}
	}
	if o := samples[0].CompositionTimeOffset; c.first && (o < -slack || o > slack) {
		tb.Errorf("%s chunk %d: the group's first PTS is %d off its tfdt", name, i, o)
	}
}
