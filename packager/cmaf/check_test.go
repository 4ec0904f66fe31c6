package cmaf_test

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/freshet-live/freshet/packager/cmaf"
)

// foreignTrack is a CMAF track of ffmpeg's: the header, and the chunks with the
// number of the segment that each is in.
func foreignTrack(t *testing.T, args string) (header []byte, chunks [][]byte) {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg")
	}
	args += " -movflags cmaf+frag_every_frame+empty_moov+default_base_moof -f mp4 pipe:1"
	cmd := exec.CommandContext(t.Context(), ffmpeg, strings.Fields("-v error "+args)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return splitBoxes(t, out)
}

// splitBoxes cuts a fragmented file before each moof.
func splitBoxes(t *testing.T, b []byte) (header []byte, chunks [][]byte) {
	t.Helper()
	var chunk []byte
	for r := bytes.NewReader(b); r.Len() > 0; {
		at := len(b) - r.Len()
		box, err := mp4.DecodeBox(uint64(at), r)
		if err != nil {
			t.Fatal(err)
		}
		raw := b[at : len(b)-r.Len()]
		switch box.Type() {
		case "ftyp", "moov":
			header = append(header, raw...)
		case "moof", "mdat":
			chunk = append(chunk, raw...)
		}
		if box.Type() == "mdat" {
			chunks = append(chunks, chunk)
			chunk = nil
		}
	}
	return header, chunks
}

const (
	someVideo = "-f lavfi -i testsrc2=s=160x90:r=10:d=2 -c:v libx264 -preset ultrafast -bf 2 -g 10 -sc_threshold 0"
	someAudio = "-f lavfi -i sine=r=48000:d=1 -c:a aac"
)

func TestHeaderOfFFmpeg(t *testing.T) {
	for args, want := range map[string]cmaf.HeaderInfo{
		someVideo: {Timescale: 10240, IsVideo: true},
		someAudio: {Timescale: 48000},
	} {
		header, _ := foreignTrack(t, args)
		got, err := cmaf.ReadHeader(header)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", args, got, err, want)
		}
	}
}

func TestCheckTakesFFmpeg(t *testing.T) {
	for _, args := range []string{someVideo, someAudio} {
		header, chunks := foreignTrack(t, args)
		info, err := cmaf.ReadHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		c := cmaf.Checker{Video: info.IsVideo}
		for i, chunk := range chunks {
			if err := c.Check(uint64(i/10), i%10 == 0, chunk); err != nil {
				t.Fatalf("chunk %d: %v", i, err)
			}
		}
		if len(chunks) < 20 {
			t.Fatalf("only %d chunks", len(chunks))
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	_, chunks := foreignTrack(t, someVideo)
	cut := chunks[0][:len(chunks[0])-1]
	for name, test := range map[string]struct {
		chunk []byte
		first bool
		want  error
	}{
		"half a chunk":            {cut, true, cmaf.ErrMalformed},
		"nothing":                 {nil, true, cmaf.ErrMalformed},
		"group without key frame": {chunks[5], true, cmaf.ErrGroupStart},
		"time that goes back":     {chunks[1], false, cmaf.ErrDecodeOrder},
	} {
		c := cmaf.Checker{Video: true}
		for i, chunk := range chunks[:4] {
			if err := c.Check(0, i == 0, chunk); err != nil {
				t.Fatal(err)
			}
		}
		group := uint64(0)
		if test.first {
			group = 1
		}
		if err := c.Check(group, test.first, test.chunk); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if err := new(cmaf.Checker).Check(0, true, chunks[5]); err != nil {
		t.Errorf("audio needs no key frame: %v", err)
	}
}

func TestReadHeaderRefuses(t *testing.T) {
	header, chunks := foreignTrack(t, someVideo+"")
	for name, b := range map[string][]byte{
		"nothing": nil, "a chunk": chunks[0], "half": header[:len(header)/2],
		"too long": append(bytes.Clone(header), make([]byte, 64<<10)...),
	} {
		if _, err := cmaf.ReadHeader(b); !errors.Is(err, cmaf.ErrHeader) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadHeader(f *testing.F) {
	h, err := cmaf.NewVideoHeader(2, cmaf.ParameterSets{}, "")
	if err == nil {
		f.Add(h.Bytes)
	}
	f.Add([]byte("\x00\x00\x00\x18ftypcmf2\x00\x00\x00\x00cmf2iso6"))
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := cmaf.ReadHeader(b)
		if err == nil && info.Timescale == 0 {
			t.Error("a header without timescale")
		}
	})
}
