package packager_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts" //nolint:depguard // The packager is proved on what the real demuxer gives.
)

// recording is what a Sink was given.
type recording struct {
	program ingest.Program
	units   []ingest.AccessUnit
}

func (r *recording) SetProgram(p ingest.Program) error { r.program = p; return nil }

func (r *recording) Push(au ingest.AccessUnit) error {
	au.Units = cloneUnits(au.Units)
	r.units = append(r.units, au)
	return nil
}

func cloneUnits(units [][]byte) [][]byte {
	out := make([][]byte, len(units))
	for i, u := range units {
		out[i] = bytes.Clone(u)
	}
	return out
}

const clip = "-f lavfi -i testsrc2=size=320x240:rate=30 -f lavfi -i sine=frequency=440:sample_rate=48000 " +
	"-c:v libx264 -preset veryfast -bf 2 -g 30 -keyint_min 30 -sc_threshold 0 -pix_fmt yuv420p -c:a aac -b:a 96k -ac 2"

// record has ffmpeg make the clip as a transport stream and gives the access units in it,
// arriving when their DTS says.
func record(tb testing.TB) *recording {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "clip.ts")
	ffmpeg(tb, strings.Fields("-v error -y "+clip+" -t 5 "+path)...)
	rec := &recording{}
	d := mpegts.New(mpegts.Config{Sink: rec})
	if err := d.Write(readFile(tb, path), epoch); err != nil {
		tb.Fatal(err)
	}
	if err := d.Flush(epoch); err != nil {
		tb.Fatal(err)
	}
	rec.arrive(epoch)
	return rec
}

// arrive sets the arrival times, from start on.
func (r *recording) arrive(start time.Time) {
	first := r.units[0].DTS
	for i := range r.units {
		r.units[i].Complete = start.Add(time.Duration(r.units[i].DTS-first) * time.Second / ingest.Clock)
	}
}

// play pushes the units that keep does not leave out; keep may change them.
func (r *recording) play(tb testing.TB, to *rig, keep func(i int, au *ingest.AccessUnit) bool) {
	tb.Helper()
	if err := to.SetProgram(r.program); err != nil {
		tb.Fatal(err)
	}
	for i, au := range r.units {
		if keep != nil && !keep(i, &au) {
			continue
		}
		au.Units = cloneUnits(au.Units)
		if err := to.Push(au); err != nil {
			tb.Fatal(err)
		}
		for i, u := range au.Units { // They were lent.
			clear(u)
			au.Units[i] = nil
		}
	}
	to.End()
}

// video tells whether a unit is of the video stream.
func (r *recording) video(au *ingest.AccessUnit) bool {
	for _, s := range r.program.Streams {
		if s.ID == au.Stream {
			return s.Codec.IsVideo()
		}
	}
	return false
}
