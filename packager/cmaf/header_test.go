package cmaf_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/packager/cmaf"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// Parameter sets written by x264 and x265.
const (
	spsHD    = "6742c028da014016ec05a808080a000003000200000300c81e306540" // 1280x720, 50 fps, BT.709.
	ppsHD    = "68ce0fc8"
	spsSD    = "674d401ef405a126c104000003000400000300c87c50aa80" // 720x576, interlaced, 16:11.
	ppsSD    = "68de0fc8"
	vpsHDR   = "40010c01ffff022000000300900000030000030078959409"
	spsHDR   = "420101022000000300900000030000030078a003c0801107cad965654a4c2f016a1220120800001f480003a98040" // 1080p, Main 10, PQ.
	ppsHDR   = "4401c073c189"
	opusDOps = "000200380000bb80000000"
	ac3DAC3  = "103d40"
)

func videoSets(tb testing.TB, vps, sps, pps string) cmaf.ParameterSets {
	tb.Helper()
	sets := cmaf.ParameterSets{SPS: [][]byte{unhex(tb, sps)}, PPS: [][]byte{unhex(tb, pps)}}
	if vps != "" {
		sets.VPS = [][]byte{unhex(tb, vps)}
	}
	return sets
}

func headers(t *testing.T) map[string]*cmaf.Header {
	t.Helper()
	out := make(map[string]*cmaf.Header)
	keep := func(name string, h *cmaf.Header, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = h
	}
	h, err := cmaf.NewVideoHeader(ingest.CodecH264, videoSets(t, "", spsHD, ppsHD), "")
	keep("avc_720p50", h, err)
	h, err = cmaf.NewVideoHeader(ingest.CodecH264, videoSets(t, "", spsSD, ppsSD), "")
	keep("avc_576i", h, err)
	h, err = cmaf.NewVideoHeader(ingest.CodecH265, videoSets(t, vpsHDR, spsHDR, ppsHDR), "")
	keep("hevc_hdr", h, err)
	for name, f := range map[string]struct {
		codec  ingest.Codec
		format ingest.AudioFormat
	}{
		"aac":   {ingest.CodecAAC, ingest.AudioFormat{SampleRate: 48000, Channels: 2, Config: []byte{0x11, 0x90}}},
		"heaac": {ingest.CodecAAC, ingest.AudioFormat{SampleRate: 48000, Channels: 2, Config: unhex(t, "2b11880000")}},
		"opus":  {ingest.CodecOpus, ingest.AudioFormat{SampleRate: 48000, Channels: 2, Config: unhex(t, opusDOps)}},
		"ac3":   {ingest.CodecAC3, ingest.AudioFormat{SampleRate: 48000, Channels: 2, Config: unhex(t, ac3DAC3)}},
		"mp3":   {ingest.CodecMP3, ingest.AudioFormat{SampleRate: 44100, Channels: 2}},
	} {
		h, err := cmaf.NewAudioHeader(f.codec, &f.format, "swe")
		keep(name, h, err)
	}
	return out
}

// TestHeaderGolden keeps the box trees, as mp4ff reads them back.
func TestHeaderGolden(t *testing.T) {
	for name, h := range headers(t) {
		t.Run(name, func(t *testing.T) {
			f, err := mp4.DecodeFile(bytes.NewReader(h.Bytes))
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			if err := f.Init.Info(&got, "all:1", "", "  "); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHeaderFields(t *testing.T) {
	type fields struct {
		codec         string
		brand         string
		width, height int
		frame         uint32
		interlaced    bool
		rate          int
	}
	want := map[string]fields{
		"avc_720p50": {"avc1.42C028", "cfhd", 1280, 720, 1800, false, 0},
		"avc_576i":   {"avc1.4D401E", "", 720, 576, 3600, true, 0},
		"hevc_hdr":   {"hvc1.2.4.L120.90", "", 1920, 1080, 3003, false, 0},
		"aac":        {"mp4a.40.2", "caac", 0, 0, 0, false, 48000},
		"heaac":      {"mp4a.40.5", "caac", 0, 0, 0, false, 48000},
		"opus":       {"opus", "", 0, 0, 0, false, 48000},
		"ac3":        {"ac-3", "", 0, 0, 0, false, 48000},
		"mp3":        {"mp4a.6B", "", 0, 0, 0, false, 44100},
	}
	for name, h := range headers(t) {
		f, err := mp4.DecodeFile(bytes.NewReader(h.Bytes))
		if err != nil {
			t.Fatal(err)
		}
		brand := strings.Join(f.Ftyp.CompatibleBrands()[3:], " ")
		got := fields{h.Codec, brand, h.Width, h.Height, h.FrameDuration, h.Interlaced, h.SampleRate}
		if got != want[name] {
			t.Errorf("%s: %+v, want %+v", name, got, want[name])
		}
	}
}

func TestHeaderErrors(t *testing.T) {
	good := videoSets(t, "", spsHD, ppsHD)
	for name, sets := range map[string]cmaf.ParameterSets{
		"none":     {},
		"no PPS":   {SPS: good.SPS},
		"no SPS":   {SPS: good.PPS, PPS: good.PPS},
		"long":     {SPS: good.SPS, PPS: [][]byte{make([]byte, 1<<16)}},
		"many":     {SPS: make([][]byte, 32), PPS: good.PPS},
		"nonsense": {SPS: [][]byte{{0x67, 1, 2, 3}}, PPS: good.PPS},
	} {
		if _, err := cmaf.NewVideoHeader(ingest.CodecH264, sets, ""); !errors.Is(err, cmaf.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := cmaf.NewVideoHeader(ingest.CodecH265, good, ""); !errors.Is(err, cmaf.ErrFormat) {
		t.Errorf("no VPS: %v", err)
	}
	if _, err := cmaf.NewVideoHeader(ingest.CodecAAC, good, ""); !errors.Is(err, cmaf.ErrFormat) {
		t.Errorf("audio as video: %v", err)
	}
	for name, f := range map[string]*ingest.AudioFormat{
		"nil": nil, "zero": {}, "no config": {SampleRate: 48000, Channels: 2},
	} {
		for _, codec := range []ingest.Codec{ingest.CodecAAC, ingest.CodecOpus, ingest.CodecH264} {
			if _, err := cmaf.NewAudioHeader(codec, f, ""); !errors.Is(err, cmaf.ErrFormat) {
				t.Errorf("%s %v: %v", name, codec, err)
			}
		}
	}
}

func FuzzVideoHeader(f *testing.F) {
	f.Add(false, unhex(f, ""), unhex(f, spsHD), unhex(f, ppsHD))
	f.Add(false, unhex(f, ""), unhex(f, spsSD), unhex(f, ppsSD))
	f.Add(true, unhex(f, vpsHDR), unhex(f, spsHDR), unhex(f, ppsHDR))
	f.Fuzz(func(t *testing.T, hevc bool, vps, sps, pps []byte) {
		codec := ingest.CodecH264
		if hevc {
			codec = ingest.CodecH265
		}
		h, err := cmaf.NewVideoHeader(codec, cmaf.ParameterSets{
			VPS: [][]byte{vps}, SPS: [][]byte{sps}, PPS: [][]byte{pps},
		}, "eng")
		if err != nil {
			if !errors.Is(err, cmaf.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		if _, err := mp4.DecodeFile(bytes.NewReader(h.Bytes)); err != nil {
			t.Fatalf("the header does not parse: %v", err)
		}
	})
}
