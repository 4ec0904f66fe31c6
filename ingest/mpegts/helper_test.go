package mpegts_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
)

var epoch = time.Unix(1_700_000_000, 0)

// recorder is a Sink that keeps everything. fault is returned when set.
type recorder struct {
	programs []ingest.Program
	units    []ingest.AccessUnit
	fault    error
}

func (r *recorder) SetProgram(p ingest.Program) error {
	r.programs = append(r.programs, p)
	return r.fault
}

func (r *recorder) Push(au ingest.AccessUnit) error {
	units := make([][]byte, len(au.Units)) // They are lent.
	for i, u := range au.Units {
		units[i] = bytes.Clone(u)
	}
	au.Units = units
	r.units = append(r.units, au)
	return r.fault
}

func (r *recorder) of(id int) []ingest.AccessUnit {
	var list []ingest.AccessUnit
	for _, au := range r.units {
		if au.Stream == id {
			list = append(list, au)
		}
	}
	return list
}

func (r *recorder) program(tb testing.TB) ingest.Program {
	tb.Helper()
	if len(r.programs) == 0 {
		tb.Fatal("no program")
	}
	return r.programs[len(r.programs)-1]
}

// demux reads ts in chunks of n bytes, to its end.
func demux(tb testing.TB, ts []byte, n int) (*recorder, mpegts.Stats) {
	tb.Helper()
	rec := &recorder{}
	d := mpegts.New(mpegts.Config{Sink: rec})
	at := epoch
	for len(ts) > 0 {
		n := min(n, len(ts))
		if err := d.Write(ts[:n], at); err != nil {
			tb.Fatalf("Write: %v", err)
		}
		ts = ts[n:]
		at = at.Add(time.Millisecond)
	}
	if err := d.Flush(at); err != nil {
		tb.Fatalf("Flush: %v", err)
	}
	return rec, d.Stats()
}

const samplesDir = "../../../shared/samples"

// sample reads one of the shared samples, or skips.
func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(samplesDir, name))
	if err != nil {
		tb.Skipf("samples are not here: %v", err)
	}
	return b
}
