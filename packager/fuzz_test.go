package packager_test

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest"
)

// FuzzPush reads a script: a byte that says what a unit is, eight of time, one
// of length, and the bytes of a NAL unit or a frame.
func FuzzPush(f *testing.F) {
	seed := func(parts ...string) []byte {
		var out []byte
		for i, p := range parts {
			nal, err := hex.DecodeString(p)
			if err != nil {
				f.Fatal(err)
			}
			out = append(out, byte(i), byte(len(nal)))
			out = append(out, nal...)
		}
		return out
	}
	f.Add(false, seed("6742c028da014016ec05a808080a000003000200000300c81e306540", "68ce0fc8", "658880", "419a24", "00"))
	f.Add(true, seed("40010c01ffff022000000300900000030000030078959409",
		"420101022000000300900000030000030078a003c0801107cad965654a4c2f016a1220120800001f480003a98040", "4401c073c189", "2601af", "0201d0"))
	f.Fuzz(func(t *testing.T, hevc bool, script []byte) {
		r := newRig(t)
		codec := ingest.CodecH264
		if hevc {
			codec = ingest.CodecH265
		}
		program := ingest.Program{Streams: []ingest.Stream{{ID: 1, Codec: codec}, {ID: 2, Codec: ingest.CodecMP3}}}
		if err := r.SetProgram(program); err != nil {
			t.Fatal(err)
		}
		au := ingest.AccessUnit{Stream: 1}
		for step := 0; len(script) >= 2; step++ {
			what, n := script[0], min(int(script[1]), len(script)-2)
			body := script[2 : 2+n]
			script = script[2+n:]
			au.Units = append(au.Units, body)
			if what&1 != 0 && what&4 == 0 {
				continue // The unit goes on.
			}
			au.DTS += int64(int8(what)) << (uint(n) % 48)
			au.PTS = au.DTS + int64(n)
			au.Random, au.Lost = what&16 != 0, what&32 != 0
			au.Complete = epoch.Add(time.Duration(step) * 20 * time.Millisecond)
			if what&64 != 0 {
				au.Stream, au.Units, au.Samples = 2, au.Units[:1], n+1
				au.Format = &ingest.AudioFormat{SampleRate: 8000 << (what & 3), Channels: int(what & 3)}
			}
			if err := r.Push(au); err != nil {
				t.Fatal(err)
			}
			au = ingest.AccessUnit{Stream: 1, DTS: au.DTS}
			if what == 0x7F {
				r.End()
				r.Begin(ingest.Request{})
				if err := r.SetProgram(program); err != nil {
					t.Fatal(err)
				}
			}
		}
		r.Close(nil)
		for _, track := range r.tracks {
			checkOrder(t, chunks(t, track))
		}
	})
}

// checkOrder checks what holds for any input: rising sequence numbers and decode
// times that never go back.
func checkOrder(t *testing.T, all []chunk) {
	t.Helper()
	for i := 1; i < len(all); i++ {
		before, c := all[i-1], all[i]
		if c.Sequence != before.Sequence+1 || c.DecodeTime < before.DecodeTime+before.Duration {
			t.Fatalf("chunk %d: %+v after %+v", i, c.ChunkInfo, before.ChunkInfo)
		}
	}
}
