package packager_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/packager"
	"github.com/freshet-live/freshet/relay"
)

// BenchmarkPush packages pictures of 8 Mbit/s at 30 fps, from the access unit to
// the object in the log.
func BenchmarkPush(b *testing.B) {
	now := epoch
	hub := relay.New(relay.Config{Now: func() time.Time { return now }})
	p, err := packager.New(packager.Config{Relay: hub, Namespace: "bench", Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close(nil)
	p.Begin(ingest.Request{})
	if err := p.SetProgram(ingest.Program{Streams: []ingest.Stream{{ID: 1, Codec: ingest.CodecH264}}}); err != nil {
		b.Fatal(err)
	}
	sps := []byte("\x67\x42\xc0\x28\xda\x01\x40\x16\xec\x05\xa8\x08\x08\x0a\x00\x00\x03\x00\x02\x00\x00\x03\x00\xc8\x1e\x30\x65\x40")
	pps := []byte("\x68\xce\x0f\xc8")
	key := append([]byte{0x65}, bytes.Repeat([]byte{1}, 8_000_000/8/30)...)
	inter := append([]byte{0x41}, bytes.Repeat([]byte{1}, 8_000_000/8/30)...)
	first, other := [][]byte{sps, pps, key}, [][]byte{inter}
	au := ingest.AccessUnit{Stream: 1}
	b.SetBytes(8_000_000 / 8 / 30)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		au.DTS += 3000
		au.PTS, au.Complete = au.DTS, now
		au.Random, au.Units = i%60 == 0, other
		if au.Random {
			au.Units = first
		}
		if err := p.Push(au); err != nil {
			b.Fatal(err)
		}
		now = now.Add(time.Second / 30)
	}
}
