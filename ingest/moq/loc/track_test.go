package loc_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/moq/loc"
	"github.com/freshet-live/freshet/ingest/mpegts"
	"github.com/freshet-live/freshet/relay"
)

// recorder keeps access units.
type recorder struct {
	program ingest.Program
	units   []ingest.AccessUnit
}

func (r *recorder) SetProgram(p ingest.Program) error {
	r.program = p
	return nil
}

func (r *recorder) Push(au ingest.AccessUnit) error {
	list := make([][]byte, len(au.Units))
	for i, u := range au.Units {
		list[i] = bytes.Clone(u)
	}
	au.Units = list
	r.units = append(r.units, au)
	return nil
}

// sample gives the access units of one codec in a shared recording.
func sample(tb testing.TB, name string, codec ingest.Codec) []ingest.AccessUnit {
	tb.Helper()
	ts, err := os.ReadFile("../../../../shared/samples/" + name)
	if err != nil {
		tb.Skip(err)
	}
	rec := &recorder{}
	d := mpegts.New(mpegts.Config{Sink: rec})
	if err := errors.Join(d.Write(ts, time.Now()), d.Flush(time.Now())); err != nil {
		tb.Fatal(err)
	}
	var list []ingest.AccessUnit
	for _, s := range rec.program.Streams {
		for _, au := range rec.units {
			if s.Codec == codec && au.Stream == s.ID {
				list = append(list, au)
			}
		}
	}
	if len(list) < 50 {
		tb.Fatalf("%s has %d units", name, len(list))
	}
	return list
}

const (
	sps = 7
	pps = 8
)

// isSet tells whether a NAL unit is a parameter set.
func isSet(nal []byte) bool { return nal[0]&0x1F == sps || nal[0]&0x1F == pps }

// avcC makes an AVCDecoderConfigurationRecord of an access unit's parameter sets.
func avcC(units [][]byte) []byte {
	var lists [2][]byte
	var counts [2]byte
	b := []byte{1, 0x64, 0, 0x1F, 0xFF}
	for _, nal := range units {
		if isSet(nal) {
			i := nal[0]&0x1F - sps
			lists[i] = append(binary.BigEndian.AppendUint16(lists[i], uint16(len(nal))), nal...)
			counts[i]++
		}
	}
	b = append(append(b, 0xE0|counts[0]), lists[0]...)
	return append(append(b, counts[1]), lists[1]...)
}

func stamp(pts int64) relay.Property { return relay.Property{Type: 0x0A, Int: uint64(pts)} }

var scale = relay.Property{Type: 0x08, Int: ingest.Clock}

// The forms of section 2.1.
var forms = map[string]func(au ingest.AccessUnit) relay.Object{
	"lengths and Video Config": func(au ingest.AccessUnit) relay.Object {
		o := relay.Object{Properties: []relay.Property{scale, stamp(au.PTS)}}
		if au.Random {
			o.Properties = append(o.Properties, relay.Property{Type: 0x0D, Bytes: avcC(au.Units)})
		}
		for _, nal := range au.Units {
			if !isSet(nal) {
				o.Payload = append(binary.BigEndian.AppendUint32(o.Payload, uint32(len(nal))), nal...)
			}
		}
		return o
	},
	"lengths alone": func(au ingest.AccessUnit) relay.Object {
		o := relay.Object{Properties: []relay.Property{scale, stamp(au.PTS)}}
		for _, nal := range au.Units {
			o.Payload = append(binary.BigEndian.AppendUint32(o.Payload, uint32(len(nal))), nal...)
		}
		return o
	},
	"start codes": func(au ingest.AccessUnit) relay.Object {
		o := relay.Object{Properties: []relay.Property{scale, stamp(au.PTS)}}
		for _, nal := range au.Units {
			o.Payload = append(append(o.Payload, 0, 0, 0, 1), nal...)
		}
		return o
	},
	"short start codes": func(au ingest.AccessUnit) relay.Object {
		o := relay.Object{Properties: []relay.Property{scale, stamp(au.PTS)}}
		for _, nal := range au.Units {
			o.Payload = append(append(o.Payload, 0, 0, 1), nal...)
		}
		return o
	},
}

// What an encoder sent comes out of each form as it went in.
func TestVideo(t *testing.T) {
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			list := sample(t, "h264_opus_live.ts", ingest.CodecH264)
			track, err := loc.New(loc.Config{Codec: "avc1.640028"})
			if err != nil {
				t.Fatal(err)
			}
			begun, randoms, last := false, 0, int64(0)
			for i, want := range list {
				begun = begun || want.Random
				o := form(want)
				got, ok, err := track.Unit(&o)
				if err != nil || ok != begun {
					t.Fatalf("unit %d: %t, %v", i, ok, err)
				}
				if !ok {
					continue
				}
				if got.PTS != want.PTS || got.Random != want.Random || got.DTS > got.PTS || randoms > 0 && got.DTS <= last {
					t.Fatalf("unit %d: PTS %d, DTS %d after %d, random %t; want PTS %d, %t", i, got.PTS, got.DTS, last, got.Random, want.PTS, want.Random)
				}
				same(t, got.Units, want.Units)
				last = got.DTS
				if got.Random {
					randoms++
				}
			}
			if randoms < 2 {
				t.Errorf("only %d random access points", randoms)
			}
		})
	}
}

// same compares NAL units: parameter sets may have moved to the front.
func same(t *testing.T, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d NAL units; want %d", len(got), len(want))
	}
	for _, sets := range []bool{true, false} {
		var a, b []byte
		for i := range got {
			if isSet(got[i]) == sets {
				a = append(a, got[i]...)
			}
			if isSet(want[i]) == sets {
				b = append(b, want[i]...)
			}
		}
		if !bytes.Equal(a, b) {
			t.Fatalf("NAL units differ (parameter sets %t)", sets)
		}
	}
}

// Opus comes as it is, with its duration; without a timescale clocks are Unix time.
func TestOpus(t *testing.T) {
	list := sample(t, "h264_opus_live.ts", ingest.CodecOpus)
	track, err := loc.New(loc.Config{Codec: "opus", SampleRate: 48000, Channels: 2})
	if err != nil {
		t.Fatal(err)
	}
	const now = 1_795_000_000 * 1_000_000
	for i, want := range list {
		o := relay.Object{Payload: want.Units[0], Properties: []relay.Property{stamp(now + int64(i)*20_000)}}
		got, ok, err := track.Unit(&o)
		if err != nil || !ok {
			t.Fatalf("unit %d: %t, %v", i, ok, err)
		}
		if pts := int64(1_795_000_000*90_000 + i*1800); got.PTS != pts || got.Samples != want.Samples || !got.Random || !bytes.Equal(got.Units[0], want.Units[0]) {
			t.Fatalf("unit %d: PTS %d, %d samples; want %d, %d", i, got.PTS, got.Samples, pts, want.Samples)
		}
		if got.Format.SampleRate != 48000 || got.Format.Channels != want.Format.Channels {
			t.Fatalf("format %+v; want %+v", got.Format, want.Format)
		}
	}
}

// AAC comes with its configuration, by the catalog alone, or in ADTS.
func TestAAC(t *testing.T) {
	list := sample(t, "obs_hevc_aac.ts", ingest.CodecAAC)
	for _, form := range []string{"config", "catalog", "adts"} {
		t.Run(form, func(t *testing.T) {
			format := list[0].Format
			cfg := loc.Config{Codec: "mp4a.40.2"}
			if form == "catalog" {
				cfg.SampleRate, cfg.Channels = format.SampleRate, format.Channels
			}
			track, err := loc.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range list {
				o := relay.Object{Payload: want.Units[0], Properties: []relay.Property{scale, stamp(want.PTS)}}
				switch form {
				case "config":
					o.Properties = append(o.Properties, relay.Property{Type: 0x0F, Bytes: format.Config})
				case "adts":
					packets := mpeg4audio.ADTSPackets{{
						Type: mpeg4audio.ObjectTypeAACLC, SampleRate: format.SampleRate,
						ChannelConfig: uint8(format.Channels), AU: want.Units[0],
					}}
					if o.Payload, err = packets.Marshal(); err != nil {
						t.Fatal(err)
					}
				}
				got, ok, err := track.Unit(&o)
				if err != nil || !ok {
					t.Fatalf("unit %d: %t, %v", i, ok, err)
				}
				if got.PTS != want.PTS || got.Samples != want.Samples || !bytes.Equal(got.Units[0], want.Units[0]) {
					t.Fatalf("unit %d: PTS %d, %d samples; want %d, %d", i, got.PTS, got.Samples, want.PTS, want.Samples)
				}
				if got.Format.SampleRate != format.SampleRate || got.Format.Channels != format.Channels || !bytes.Equal(got.Format.Config, format.Config) {
					t.Fatalf("format %+v; want %+v", got.Format, format)
				}
			}
		})
	}
}

// What is no frame of the track is an error, and says which kind.
func TestMalformed(t *testing.T) {
	if _, err := loc.New(loc.Config{Codec: "av01.0.04M.08"}); !errors.Is(err, loc.ErrUnsupported) {
		t.Errorf("av01: %v", err)
	}
	at := stamp(1)
	for name, o := range map[string]relay.Object{
		"no timestamp":    {Payload: []byte{0, 0, 0, 1, 0x65, 1, 2}},
		"timescale zero":  {Payload: []byte{0, 0, 0, 1, 0x65, 1, 2}, Properties: []relay.Property{{Type: 8}, at}},
		"late timestamp":  {Payload: []byte{0, 0, 0, 1, 0x65, 1, 2}, Properties: []relay.Property{{Type: 8, Int: 1}, stamp(-1)}},
		"length too long": {Payload: []byte{0, 0, 0, 9, 0x65, 1, 2}, Properties: []relay.Property{at}},
		"length cut off":  {Payload: []byte{0, 0, 0, 2, 0x65, 1, 0, 0}, Properties: []relay.Property{at}},
		"no slice":        {Payload: []byte{0, 0, 0, 1, 0x67, 1, 2}, Properties: []relay.Property{at}},
		"empty":           {Properties: []relay.Property{at}},
		"no avcC":         {Payload: []byte{0, 0, 0, 1, 0x65, 1, 2}, Properties: []relay.Property{at, {Type: 13, Bytes: []byte("xyz")}}},
		"avcC cut off":    {Payload: []byte{0, 0, 0, 1, 0x65, 1, 2}, Properties: []relay.Property{at, {Type: 13, Bytes: []byte{1, 2, 3, 4, 255, 225, 0, 9}}}},
	} {
		track, err := loc.New(loc.Config{Codec: "avc3.640028"})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok, err := track.Unit(&o); ok || !errors.Is(err, loc.ErrMalformed) {
			t.Errorf("%s: %t, %v", name, ok, err)
		}
	}
}

func FuzzUnit(f *testing.F) {
	f.Add("avc1.42E01F", []byte{1, 0x42, 0, 30, 255, 225, 0, 4, 0x67, 1, 2, 3, 1, 0, 2, 0x68, 1}, []byte{0, 0, 0, 4, 0x65, 1, 2, 3}, uint64(5), uint64(90000))
	f.Add("avc3.42E01F", []byte{}, []byte{0, 0, 1, 0x67, 1, 2, 3, 0, 0, 1, 0x68, 1, 1, 0, 0, 1, 0x65, 4, 4}, uint64(1)<<63, uint64(1))
	f.Add("mp4a.40.2", []byte{0x12, 0x10}, []byte{1, 2, 3}, uint64(1), uint64(48000))
	f.Add("mp4a.40.2", []byte{}, []byte{0xFF, 0xF1, 0x50, 0x80, 0x01, 0x3F, 0xFC, 1, 2}, uint64(1), uint64(48000))
	f.Add("opus", []byte("OpusHead\x01\x02\x00\x00\x80\xbb\x00\x00\x00\x00\x00"), []byte{0xFC, 1, 2}, uint64(1), uint64(0))
	f.Fuzz(func(t *testing.T, codec string, config, payload []byte, at, timescale uint64) {
		track, err := loc.New(loc.Config{Codec: codec, SampleRate: 48000, Channels: 2})
		if err != nil {
			return
		}
		props := []relay.Property{{Type: 0x0A, Int: at}, {Type: 0x0D, Bytes: config}, {Type: 0x0F, Bytes: config}}
		if timescale > 0 {
			props = append(props, relay.Property{Type: 0x08, Int: timescale})
		}
		for range 2 {
			au, ok, err := track.Unit(&relay.Object{Payload: payload, Properties: props})
			if ok && (err != nil || len(au.Units) == 0 || au.PTS < 0) {
				t.Fatalf("%+v, %v", au, err)
			}
			for _, u := range au.Units {
				if ok && len(u) == 0 {
					t.Fatal("an empty unit")
				}
			}
		}
	})
}
