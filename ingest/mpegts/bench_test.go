package mpegts_test

import (
	"bytes"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	peer "github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
)

const benchSample = "h264_eac3_51.ts"

// counter is a Sink that counts and lets go.
type counter struct{ units int }

func (c *counter) SetProgram(ingest.Program) error { return nil }

func (c *counter) Push(ingest.AccessUnit) error { c.units++; return nil }

// cpu is what the process has used so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// report gives the cost of a second of an 8 Mbit/s stream, and the allocations per
// access unit.
func report(b *testing.B, size, units int, used time.Duration) {
	b.Helper()
	b.ReportMetric(used.Seconds()*1000/(float64(size)*float64(b.N)*8/8e6), "cpu-ms/s@8Mbit")
	b.ReportMetric(float64(units)/float64(b.N), "frames/op")
}

// BenchmarkDemuxer reads a stream that goes on, in SRT payloads: the sample, whose
// clocks jump back at each round.
func BenchmarkDemuxer(b *testing.B) {
	ts := sample(b, benchSample)
	b.SetBytes(int64(len(ts)))
	b.ReportAllocs()
	c := &counter{}
	d := mpegts.New(mpegts.Config{Sink: c})
	start := cpu(b)
	for b.Loop() {
		for rest := ts; len(rest) > 0; {
			n := min(1316, len(rest))
			if err := d.Write(rest[:n], epoch); err != nil {
				b.Fatal(err)
			}
			rest = rest[n:]
		}
	}
	report(b, len(ts), c.units, cpu(b)-start)
}

// BenchmarkPeer is the reader of mediacommon on the same bytes.
func BenchmarkPeer(b *testing.B) {
	ts := sample(b, benchSample)
	b.SetBytes(int64(len(ts)))
	b.ReportAllocs()
	units := 0
	start := cpu(b)
	for b.Loop() {
		r := &peer.Reader{R: bytes.NewReader(ts)}
		if err := r.Initialize(); err != nil {
			b.Fatal(err)
		}
		for _, t := range r.Tracks() {
			switch t.Codec.(type) {
			case *codecs.H264:
				r.OnDataH264(t, func(int64, int64, [][]byte) error { units++; return nil })
			case *codecs.EAC3:
				r.OnDataEAC3(t, func(int64, []byte) error { units++; return nil })
			}
		}
		for {
			if err := r.Read(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
	report(b, len(ts), units, cpu(b)-start)
}
