package mpegts_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest/mpegts"
)

// TestBitFlips damages a good stream at random: the demuxer stays up, and once the
// damage is over the stream is whole again.
func TestBitFlips(t *testing.T) {
	good := clean(60).out
	half := len(good) / 188 / 2 * 188
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		ts := bytes.Clone(good)
		for range 1 + random.IntN(60) {
			ts[random.IntN(half)] ^= 1 << random.IntN(8)
		}
		rec := &recorder{}
		d := mpegts.New(mpegts.Config{Sink: rec})
		for rest := ts; len(rest) > 0; {
			n := min(1+random.IntN(2000), len(rest))
			if err := d.Write(rest[:n], epoch); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			rest = rest[n:]
		}
		if err := d.Flush(epoch.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		video := rec.of(videoPID)
		if len(video) < 20 {
			continue // The one PAT or PMT was hit.
		}
		for i, au := range video[len(video)-15:] {
			if want := slice(au.Random, byte(45+i), 300+(45+i)*37); !bytes.Equal(au.Units[len(au.Units)-1], want) {
				t.Fatalf("round %d: picture %d is damaged", round, 45+i)
			}
		}
	}
}
