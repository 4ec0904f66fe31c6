package mpegts_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

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

func TestDump(t *testing.T) {
	files, _ := filepath.Glob(samplesDir + "/*.ts")
	for _, f := range files {
		name := filepath.Base(f)
		rec, stats := demux(t, sample(t, name), 1316)
		want := probe(t, f)
		fmt.Println("==", name, stats, rec.programs)
		for _, s := range rec.program(t).Streams {
			got := rec.of(s.ID)
			w := want[s.ID]
			fmt.Println("  ", s.ID, s.Codec, len(got), "ffprobe", len(w))
			bad := 0
			j := 0
			for _, p := range w {
				if p.PTS == nil {
					continue
				}
				if j >= len(got) {
					break
				}
				g := got[j]
				d := "-"
				if p.DTS != nil {
					d = fmt.Sprint(*p.DTS)
				}
				if (g.PTS-*p.PTS)&(1<<33-1) != 0 || p.DTS != nil && (g.DTS-*p.DTS)&(1<<33-1) != 0 {
					if bad++; bad < 5 {
						fmt.Println("     differs at", j, "got", g.PTS, g.DTS, "want", *p.PTS, d, g.Random, p.Flags)
					}
				}
				j++
			}
			random, lost := 0, 0
			for _, g := range got {
				if g.Random {
					random++
				}
				if g.Lost {
					lost++
				}
			}
			keys := 0
			for _, p := range w {
				if p.Flags[0] == 'K' {
					keys++
				}
			}
			fmt.Println("     bad", bad, "random", random, "keys", keys, "lost", lost)
			if len(got) > 0 && got[0].Format != nil {
				fmt.Printf("     %+v %d\n", *got[0].Format, got[0].Samples)
			}
		}
	}
	_ = ingest.Clock
}
