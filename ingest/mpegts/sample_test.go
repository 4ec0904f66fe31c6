package mpegts_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/ingest"
)

type probePacket struct {
	Stream int    `json:"stream_index"`
	PTS    *int64 `json:"pts"`
	DTS    *int64 `json:"dts"`
	Size   string `json:"size"`
	Flags  string `json:"flags"`
}

// probe lists a file's packets by PID with ffprobe, or skips.
func probe(tb testing.TB, file string) map[int][]probePacket {
	tb.Helper()
	if _, err := exec.LookPath("ffprobe"); err != nil {
		tb.Skip("ffprobe is not here")
	}
	out, err := exec.CommandContext(tb.Context(), "ffprobe", "-v", "quiet", "-correct_ts_overflow", "0", "-show_packets",
		"-show_streams", "-of", "json", file).Output()
	if err != nil {
		tb.Fatalf("ffprobe: %v", err)
	}
	var doc struct {
		Packets []probePacket
		Streams []struct {
			Index int
			ID    string
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		tb.Fatal(err)
	}
	ids := map[int]int{}
	for _, s := range doc.Streams {
		id, err := strconv.ParseInt(s.ID, 0, 32)
		if err != nil {
			tb.Fatal(err)
		}
		ids[s.Index] = int(id)
	}
	list := map[int][]probePacket{}
	for _, p := range doc.Packets {
		list[ids[p.Stream]] = append(list[ids[p.Stream]], p)
	}
	return list
}

// sampleWant is what a sample holds beyond what ffprobe says.
type sampleWant struct {
	unsupported []string
	// skip is how many of ffprobe's packets come before ours: it takes streams
	// before their PMT, and pictures before their parameter sets.
	skip map[int]int
	// repaired is how many times differ, because the encoder had them wrong or
	// ffprobe guesses.
	repaired map[int]int
	// cut is how many frames the file ends in the middle of.
	cut map[int]int
	// fields says that ffprobe has a packet for each field.
	fields bool
}

var sampleWants = map[string]sampleWant{
	"avc_50p_timecode_sei.ts":       {skip: map[int]int{0x200: 9}},
	"h264_eac3_51.ts":               {repaired: map[int]int{0x102: 8}},
	"h264_opus_live.ts":             {skip: map[int]int{0x100: 60}},
	"hdmv_0x86_is_dtshd.ts":         {unsupported: []string{"MPEG-2 video", "DTS-HD", "MP2 audio"}},
	"id3_heaacv2_audio_only.ts":     {unsupported: []string{"ID3 metadata"}},
	"lp_duplicate_audio_dts.ts":     {repaired: map[int]int{0x100: 31}},
	"middle_pat_pmt.ts":             {skip: map[int]int{0x100: 15, 0x101: 24}},
	"mp2ts_80s_with_ad_scte35.ts":   {unsupported: []string{"SCTE-35"}},
	"overflow_nalus_608.ts":         {repaired: map[int]int{0x101: 6}},
	"tsduck_scte35_all_commands.ts": {unsupported: []string{"SCTE-35"}},
	"kyrion_1080i_h264_2xmp2_scte35_dirtystart.ts": {
		unsupported: []string{"MP2 audio", "MP2 audio", "SCTE-35"}, fields: true,
	},
	"tnt_h264_1080i_eac3x3_dvbsub.ts": {
		unsupported: []string{"DVB subtitles", "DVB subtitles"}, fields: true,
		cut: map[int]int{0x82: 1, 0x83: 1, 0x84: 1},
	},
}

func TestSamples(t *testing.T) {
	files, _ := filepath.Glob(samplesDir + "/*.ts")
	if len(files) == 0 {
		t.Skip("samples are not here")
	}
	for _, f := range files {
		name := filepath.Base(f)
		t.Run(name, func(t *testing.T) {
			rec, _ := demux(t, sample(t, name), 1316)
			packets, want := probe(t, f), sampleWants[name]
			p := rec.program(t)
			for _, s := range p.Streams {
				compare(t, s, rec.of(s.ID), packets[s.ID], want)
			}
			var names []string
			for _, u := range p.Unsupported {
				names = append(names, u.Name)
			}
			if diff := cmp.Diff(want.unsupported, names); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func compare(t *testing.T, s ingest.Stream, got []ingest.AccessUnit, packets []probePacket, w sampleWant) {
	t.Helper()
	if w.fields && s.Codec.IsVideo() {
		packets = matching(packets, got)
	}
	packets = packets[min(w.skip[s.ID], len(packets)):]
	if len(got) != len(packets)-w.cut[s.ID] {
		t.Errorf("%s %d: %d access units, want %d", s.Codec, s.ID, len(got), len(packets)-w.cut[s.ID])
	}
	differ := 0
	for i, p := range packets[:min(len(got), len(packets))] {
		const wrap = 1<<33 - 1 // ffprobe wraps where it likes; one tick is rounding.
		if p.PTS != nil && (got[i].PTS-*p.PTS+1)&wrap > 2 || p.DTS != nil && (got[i].DTS-*p.DTS+1)&wrap > 2 {
			differ++
		}
	}
	if differ != w.repaired[s.ID] {
		t.Errorf("%s %d: %d times differ, want %d", s.Codec, s.ID, differ, w.repaired[s.ID])
	}
}

// matching leaves ffprobe's packets that are dated as our access units are, in
// order: it has one more for each second field.
func matching(packets []probePacket, got []ingest.AccessUnit) []probePacket {
	var list []probePacket
	for _, p := range packets {
		if i := len(list); i < len(got) && p.PTS != nil && (got[i].PTS-*p.PTS)&(1<<33-1) == 0 {
			list = append(list, p)
		}
	}
	return list
}
