package packager_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest"
)

// TestAudioChunks pushes frames whose bytes are written over afterwards. The
// chunks hold what was pushed, and were complete when their last frame was.
func TestAudioChunks(t *testing.T) {
	r := newRig(t)
	if err := r.SetProgram(ingest.Program{Streams: []ingest.Stream{{ID: 1, Codec: ingest.CodecMP3}}}); err != nil {
		t.Fatal(err)
	}
	const frames = 40
	format := &ingest.AudioFormat{SampleRate: 48000, Channels: 2}
	var want []byte
	arrived := make(map[int64]time.Time) // By samples so far.
	for i := range frames {
		frame := bytes.Repeat([]byte{byte(i + 1)}, 300+i)
		want = append(want, frame...)
		pts := int64(i) * 1152 * ingest.Clock / 48000
		// Frames come in bursts of four, as from PES packets.
		at := epoch.Add(time.Duration(i/4) * 96 * time.Millisecond)
		arrived[int64(i+1)*1152] = at
		err := r.Push(ingest.AccessUnit{
			Stream: 1, PTS: pts, DTS: pts, Units: [][]byte{frame}, Random: true, Samples: 1152, Format: format, Complete: at,
		})
		if err != nil {
			t.Fatal(err)
		}
		clear(frame)
	}
	r.End()
	all := chunks(t, r.tracks["audio"])
	var got []byte
	for _, c := range all {
		got = append(got, c.payload[bytes.Index(c.payload, []byte("mdat"))+4:]...)
		end := int64(c.DecodeTime + c.Duration - all[0].DecodeTime)
		if at := arrived[end]; !c.complete.Equal(at) {
			t.Errorf("chunk to sample %d was complete at %v, want %v", end, c.complete.Sub(epoch), at.Sub(epoch))
		}
	}
	if !bytes.Equal(got, want) {
		t.Error("the chunks hold other bytes than the frames pushed")
	}
}
