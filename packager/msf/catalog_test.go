package msf_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/packager/msf"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func example() *msf.Catalog {
	return &msf.Catalog{
		Version: msf.Version, GeneratedAt: 1795378400319,
		Tracks: []msf.Track{
			{
				Name: "video", Packaging: msf.PackagingCMAF, IsLive: true, Role: msf.RoleVideo,
				RenderGroup: 1, AltGroup: 1, InitRef: "init-video", Codec: "avc1.640028", Framerate: 29.97,
				Timescale: 90000, Bitrate: 4_000_000, Width: 1280, Height: 720, TargetLatency: 300,
			},
			{
				Name: "audio", Packaging: msf.PackagingCMAF, IsLive: true, Role: msf.RoleAudio,
				RenderGroup: 1, AltGroup: 2, InitRef: "init-audio", Codec: "mp4a.40.2",
				Timescale: 48000, Bitrate: 128_000, SampleRate: 48000, ChannelConfig: "2", Lang: "eng",
			},
		},
		InitDataList: []msf.InitData{
			{ID: "init-video", Type: msf.InitInline, Data: []byte("\x00\x00\x00\x18ftypv")},
			{ID: "init-audio", Type: msf.InitInline, Data: []byte("\x00\x00\x00\x18ftypa")},
		},
	}
}

// TestEncode compares with a catalog in the form that Shaka Player plays.
func TestEncode(t *testing.T) {
	const golden = "testdata/catalog.json"
	got, err := example().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Error(diff)
	}
	back, err := msf.Parse(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example(), back); diff != "" {
		t.Error(diff)
	}
	if init, ok := back.Init(back.Tracks[1]); !ok || !strings.HasSuffix(string(init), "ftypa") {
		t.Errorf("init data %q", init)
	}
}

// foreign is the catalog of reference players' tests: CMSF as Shaka 5.2 reads it.
const foreign = `{"version":"draft-01","generatedAt":1795378400319,
 "tracks":[
  {"name":"video_400kbps_avc","packaging":"cmaf","isLive":true,"role":"video","renderGroup":1,"altGroup":1,
   "initRef":"init-v","codec":"avc1.4D401F","framerate":25,"timescale":12800,"bitrate":398958,"width":1280,"height":720,"lang":"und"}],
 "initDataList":[{"id":"init-v","type":"inline","data":"AAAAGGZ0eXBj"}], "somethingNew":{"a":1}}`

func TestParse(t *testing.T) {
	c, err := msf.Parse([]byte(foreign))
	if err != nil {
		t.Fatal(err)
	}
	track, ok := c.Track("video_400kbps_avc")
	if !ok || track.Codec != "avc1.4D401F" || track.Timescale != 12800 || track.Framerate != 25 {
		t.Errorf("track %+v", track)
	}
	if init, ok := c.Init(track); !ok || string(init[4:]) != "ftypc" {
		t.Errorf("init %q", init)
	}
	old, err := msf.Parse([]byte(`{"version":1,"tracks":[]}`))
	if err != nil || old.Version != "1" {
		t.Errorf("version 1: %+v, %v", old, err)
	}
}

func TestParseErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want error
	}{
		"empty":      {"", msf.ErrInvalid},
		"no version": {`{"tracks":[]}`, msf.ErrInvalid},
		"bad type":   {`{"version":true,"tracks":[]}`, msf.ErrInvalid},
		"no name":    {`{"version":"draft-01","tracks":[{"packaging":"cmaf"}]}`, msf.ErrInvalid},
		"same name":  {`{"version":"1","tracks":[{"name":"a","packaging":"x"},{"name":"a","packaging":"x"}]}`, msf.ErrInvalid},
		"many":       {`{"version":"1","tracks":[` + strings.Repeat(`{},`, 300) + `{}]}`, msf.ErrInvalid},
		"large":      {strings.Repeat(" ", msf.MaxSize+1), msf.ErrInvalid},
		"bad base64": {`{"version":"1","tracks":[],"initDataList":[{"id":"a","type":"inline","data":"*"}]}`, msf.ErrInvalid},
		"delta":      {`{"version":"draft-01","deltaUpdate":true,"addTracks":[]}`, msf.ErrDelta},
	} {
		if _, err := msf.Parse([]byte(tc.in)); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (&msf.Catalog{}).Encode(); !errors.Is(err, msf.ErrInvalid) {
		t.Errorf("no version: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	b, err := example().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(foreign))
	b, err = swarming().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := msf.Parse(b)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil {
			t.Fatalf("parsed, but does not encode: %v", err)
		}
		if !json.Valid(again) {
			t.Fatal("invalid JSON")
		}
	})
}
