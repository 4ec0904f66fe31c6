package mpegts_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"
	"time"

	"github.com/freshet-live/freshet/ingest/mpegts"
)

// demoClip is a real stream of 8 s.
func demoClip(t *testing.T) []byte {
	t.Helper()
	ts, err := os.ReadFile("../../cmd/freshet/demo/clip.ts")
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// pace reads all that r has.
func pace(t *testing.T, r io.Reader) (out []byte, last time.Duration) {
	t.Helper()
	p := mpegts.NewPacer(r)
	for {
		packets, at, err := p.Next()
		if errors.Is(err, io.EOF) {
			return out, last
		}
		if err != nil {
			t.Fatal(err)
		}
		if at < last {
			t.Fatalf("%v after %v", at, last)
		}
		if len(packets) == 0 || len(packets) > 7*188 {
			t.Fatalf("a burst of %d bytes", len(packets))
		}
		out, last = append(out, packets...), at
	}
}

func TestPacer(t *testing.T) {
	clip := demoClip(t)
	twice := append(bytes.Clone(clip), clip...)
	for _, c := range []struct {
		name  string
		ts    []byte
		total time.Duration
	}{
		{"once", clip, 8 * time.Second},
		{"the clock jumps back", twice, 16 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, last := pace(t, iotest.HalfReader(bytes.NewReader(c.ts)))
			if !bytes.Equal(out, c.ts) {
				t.Errorf("%d bytes in, %d out", len(c.ts), len(out))
			}
			if d := (last - c.total).Abs(); d > c.total/20 {
				t.Errorf("lasts %v, want about %v", last, c.total)
			}
		})
	}
}

func TestPacerRefusesOtherThings(t *testing.T) {
	noise := bytes.Repeat([]byte("no transport stream at all. "), 20000)
	_, _, err := mpegts.NewPacer(bytes.NewReader(noise)).Next()
	if !errors.Is(err, mpegts.ErrNoSync) {
		t.Error(err)
	}
}

// What is around the packets is taken off, however the bytes come.
func TestAligner(t *testing.T) {
	clip := demoClip(t)[:188*500]
	for _, c := range []struct {
		name          string
		before, after int
	}{{"plain", 0, 0}, {"parity", 0, 16}, {"arrival times", 4, 0}} {
		t.Run(c.name, func(t *testing.T) {
			in := []byte("noise")
			for i := 0; i < len(clip); i += 188 {
				in = append(in, make([]byte, c.before)...)
				in = append(in, clip[i:i+188]...)
				in = append(in, make([]byte, c.after)...)
			}
			for _, step := range []int{1, 187, 1316, len(in)} {
				var a mpegts.Aligner
				var out []byte
				for b := in; len(b) > 0; b = b[min(step, len(b)):] {
					packets, err := a.Write(b[:min(step, len(b))])
					if err != nil {
						t.Fatal(err)
					}
					out = append(out, packets...)
				}
				if out = append(out, a.Flush()...); !bytes.Equal(out, clip) {
					t.Errorf("in steps of %d: %d bytes, want %d", step, len(out), len(clip))
				}
			}
		})
	}
}

func FuzzPacer(f *testing.F) {
	f.Add([]byte(nil))
	ts, err := os.ReadFile("../../cmd/freshet/demo/clip.ts")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ts[:188*40])
	f.Fuzz(func(t *testing.T, b []byte) {
		p := mpegts.NewPacer(bytes.NewReader(b))
		n := 0
		for {
			packets, _, err := p.Next()
			if err != nil {
				break
			}
			n += len(packets)
		}
		if n > len(b) {
			t.Errorf("%d bytes of %d", n, len(b))
		}
	})
}
