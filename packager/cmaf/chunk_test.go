package cmaf_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/packager/cmaf"
)

func videoChunk() cmaf.Chunk {
	return cmaf.Chunk{
		Sequence: 7, DecodeTime: 1 << 40, LengthPrefix: true, Segment: true, HasProducer: true,
		Producer: cmaf.ProducerTime{NTP: 0xEC00000080000000, MediaTime: 1 << 40},
		Samples: []cmaf.Sample{{
			Units: [][]byte{{6, 5, 4}, {0x65, 1, 2, 3}}, Duration: 3000, Offset: -6000, Flags: cmaf.FlagsSync,
		}},
	}
}

func audioChunk() cmaf.Chunk {
	c := cmaf.Chunk{Sequence: 8, DecodeTime: 48000}
	for i := range 5 {
		c.Samples = append(c.Samples, cmaf.Sample{
			Units: [][]byte{bytes.Repeat([]byte{byte(i)}, i+1)}, Duration: 1024, Flags: cmaf.FlagsSync,
		})
	}
	return c
}

// mixedChunk has a different duration, flags and offset in each sample.
func mixedChunk() cmaf.Chunk {
	return cmaf.Chunk{Sequence: 9, DecodeTime: 5, LengthPrefix: true, Samples: []cmaf.Sample{
		{Units: [][]byte{{0x41, 1}}, Duration: 1, Offset: 3, Flags: cmaf.FlagsDependent},
		{Units: [][]byte{{0x65, 2, 3}}, Duration: 2, Offset: -3, Flags: cmaf.FlagsSync},
		{Units: [][]byte{{0x61}}, Duration: 4, Flags: cmaf.FlagsIntra},
	}}
}

// TestEncodeReadByMP4FF has a foreign parser read what Encode writes, down to
// the media of each sample.
func TestEncodeReadByMP4FF(t *testing.T) {
	for name, c := range map[string]cmaf.Chunk{"video": videoChunk(), "audio": audioChunk(), "mixed": mixedChunk()} {
		t.Run(name, func(t *testing.T) {
			b, err := c.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if cap(b) != len(b) {
				t.Errorf("allocated %d bytes for %d", cap(b), len(b))
			}
			f, err := mp4.DecodeFile(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			frag := f.Segments[0].Fragments[0]
			samples, err := frag.GetFullSamples(nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(samples) != len(c.Samples) {
				t.Fatalf("%d samples, want %d", len(samples), len(c.Samples))
			}
			decode := c.DecodeTime
			for i, got := range samples {
				want := c.Samples[i]
				var data []byte
				for _, u := range want.Units {
					if c.LengthPrefix {
						data = append(data, 0, 0, 0, byte(len(u)))
					}
					data = append(data, u...)
				}
				full := mp4.FullSample{
					Sample: mp4.Sample{
						Flags: want.Flags, Dur: want.Duration, Size: uint32(len(data)),
						CompositionTimeOffset: want.Offset,
					},
					DecodeTime: decode, Data: data,
				}
				if diff := cmp.Diff(full, got); diff != "" {
					t.Errorf("sample %d: %s", i, diff)
				}
				decode += uint64(want.Duration)
			}
			if frag.Moof.Mfhd.SequenceNumber != c.Sequence {
				t.Errorf("sequence %d", frag.Moof.Mfhd.SequenceNumber)
			}
			if c.HasProducer {
				checkProducer(t, b[28:], c.Producer)
			}
			tfhd := frag.Moof.Traf.Tfhd
			if !tfhd.DefaultBaseIfMoof() || tfhd.SampleDescriptionIndex != 1 || tfhd.TrackID != cmaf.TrackID {
				t.Errorf("tfhd %+v", tfhd)
			}
		})
	}
}

func checkProducer(t *testing.T, b []byte, want cmaf.ProducerTime) {
	t.Helper()
	box, err := mp4.DecodeBox(0, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	prft, ok := box.(*mp4.PrftBox)
	if !ok || uint64(prft.NTPTimestamp) != want.NTP || prft.MediaTime != want.MediaTime || prft.Flags != 24 {
		t.Errorf("prft %+v, want %+v", box, want)
	}
}

func TestParseChunk(t *testing.T) {
	video, audio, mixed := videoChunk(), audioChunk(), mixedChunk()
	for _, tc := range []struct {
		name  string
		chunk cmaf.Chunk
		want  cmaf.ChunkInfo
	}{
		{"video", video, cmaf.ChunkInfo{
			Sequence: 7, DecodeTime: 1 << 40, Duration: 3000, Samples: 1, Independent: true,
			Segment: true, HasProducer: true, Producer: video.Producer,
		}},
		{"audio", audio, cmaf.ChunkInfo{Sequence: 8, DecodeTime: 48000, Duration: 5120, Samples: 5, Independent: true}},
		{"mixed", mixed, cmaf.ChunkInfo{Sequence: 9, DecodeTime: 5, Duration: 7, Samples: 3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, err := tc.chunk.Encode()
			if err != nil {
				t.Fatal(err)
			}
			got, err := cmaf.ParseChunk(b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if n := testing.AllocsPerRun(10, func() { _, _ = cmaf.ParseChunk(b) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
			for n := range b {
				if _, err := cmaf.ParseChunk(b[:n]); !errors.Is(err, cmaf.ErrMalformed) {
					t.Fatalf("cut to %d bytes: %v", n, err)
				}
			}
		})
	}
}

// TestParseForeignChunk reads a chunk of the first version's boxes, which
// Encode never writes.
func TestParseForeignChunk(t *testing.T) {
	frag, err := mp4.CreateFragment(3, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		frag.AddFullSample(mp4.FullSample{
			Sample: mp4.NewSample(mp4.NonSyncSampleFlags, 512, 3, 0), DecodeTime: 100 + uint64(i)*512, Data: []byte{1, 2, 3},
		})
	}
	frag.AddEmsg(&mp4.EmsgBox{SchemeIDURI: "urn:x", Value: "1"})
	var buf bytes.Buffer
	if err := frag.Encode(&buf); err != nil {
		t.Fatal(err)
	}
	got, err := cmaf.ParseChunk(buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := cmaf.ChunkInfo{Sequence: 3, DecodeTime: 100, Duration: 1024, Samples: 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseChunk(f *testing.F) {
	for _, c := range []cmaf.Chunk{videoChunk(), audioChunk(), mixedChunk()} {
		b, err := c.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := cmaf.ParseChunk(b)
		if err != nil {
			if !errors.Is(err, cmaf.ErrMalformed) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if info.Samples < 1 {
			t.Fatalf("no samples: %+v", info)
		}
	})
}
