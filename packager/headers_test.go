package packager_test

import (
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest"
)

// TestHeadersAreBounded changes the format with every unit, there and back, for
// a minute: tracks and catalogs are not made of each. The new format plays soon
// after the stream has settled.
func TestHeadersAreBounded(t *testing.T) {
	sps := [2][]byte{
		[]byte("\x67\x42\xc0\x28\xda\x01\x40\x16\xec\x05\xa8\x08\x08\x0a\x00\x00\x03\x00\x02\x00\x00\x03\x00\xc8\x1e\x30\x65\x40"),
		[]byte("\x67\x42\xc0\x28\xda\x01\x40\x16\xec\x05\xa8\x08\x08\x0a\x00\x00\x03\x00\x02\x00\x00\x03\x00\xc8\x1e\x30\x65\x40\x80"),
	}
	formats := [2]*ingest.AudioFormat{{SampleRate: 48000, Channels: 2}, {SampleRate: 48000, Channels: 1}}
	r := newRig(t)
	program := ingest.Program{Streams: []ingest.Stream{{ID: 1, Codec: ingest.CodecH264}, {ID: 2, Codec: ingest.CodecMP3}}}
	if err := r.SetProgram(program); err != nil {
		t.Fatal(err)
	}
	push := func(i, kind int) {
		t.Helper()
		au := ingest.AccessUnit{
			Stream: 1, PTS: int64(i) * 9000, DTS: int64(i) * 9000, Random: true,
			Units: [][]byte{sps[kind], {0x68, 0xce, 0x0f, 0xc8}, {0x65, 0x88, 0x80}}, Complete: epoch.Add(time.Duration(i) * 100 * time.Millisecond),
		}
		if err := r.Push(au); err != nil {
			t.Fatal(err)
		}
		au.Stream, au.Units, au.Samples, au.Format = 2, [][]byte{{1, 2, 3}}, 4800, formats[kind]
		if err := r.Push(au); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 600 {
		push(i, i/5%2)
	}
	for i := 600; i < 700; i++ {
		push(i, 1)
	}
	made := map[bool]int{}
	for name := range r.tracks {
		made[strings.HasPrefix(name, "video")]++
	}
	for video, n := range made {
		if n < 8 || n > 8+70/5+1 {
			t.Errorf("video %v: %d tracks", video, n)
		}
	}
	for _, track := range r.read(t).Tracks {
		all := chunks(t, r.tracks[track.Name])
		last := all[len(all)-1]
		if end := epoch.Add(70*time.Second - testDelay); end.Sub(time.Unix(0, int64(float64(last.DecodeTime)/float64(track.Timescale)*1e9))) > time.Second {
			t.Errorf("%s ended early", track.Name)
		}
		if track.ChannelConfig == "2" {
			t.Errorf("%s has the format of before", track.Name)
		}
	}
}
