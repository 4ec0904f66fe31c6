package cmaf_test

import (
	"bytes"
	"testing"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/freshet-live/freshet/packager/cmaf"
)

// frameSize is a picture of 8 Mbit/s at 30 fps.
const frameSize = 8_000_000 / 8 / 30

// BenchmarkEncode writes one picture as a chunk.
func BenchmarkEncode(b *testing.B) {
	units := [][]byte{bytes.Repeat([]byte{6}, 100), bytes.Repeat([]byte{0x41}, frameSize)}
	b.SetBytes(frameSize)
	b.ReportAllocs()
	samples := make([]cmaf.Sample, 1)
	for b.Loop() {
		samples[0] = cmaf.Sample{Units: units, Duration: 3000, Offset: 3000, Flags: cmaf.FlagsDependent}
		c := cmaf.Chunk{Sequence: 1, DecodeTime: 1 << 40, LengthPrefix: true, Samples: samples}
		if _, err := c.Encode(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncodePeer does the same with mp4ff, from the same NAL units to the
// same bytes in memory.
func BenchmarkEncodePeer(b *testing.B) {
	units := [][]byte{bytes.Repeat([]byte{6}, 100), bytes.Repeat([]byte{0x41}, frameSize)}
	b.SetBytes(frameSize)
	b.ReportAllocs()
	for b.Loop() {
		data := make([]byte, 0, frameSize+108)
		for _, u := range units {
			data = append(data, byte(len(u)>>24), byte(len(u)>>16), byte(len(u)>>8), byte(len(u)))
			data = append(data, u...)
		}
		frag, err := mp4.CreateFragment(1, 1)
		if err != nil {
			b.Fatal(err)
		}
		frag.AddFullSample(mp4.FullSample{
			Sample: mp4.NewSample(cmaf.FlagsDependent, 3000, uint32(len(data)), 3000), DecodeTime: 1 << 40, Data: data,
		})
		sw := bits.NewFixedSliceWriter(int(frag.Size()))
		if err := frag.EncodeSW(sw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseChunk(b *testing.B) {
	c := videoChunk()
	payload, err := c.Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cmaf.ParseChunk(payload); err != nil {
			b.Fatal(err)
		}
	}
}
