package live_test

import (
	"strings"
	"testing"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/report/live"
)

// The last values stay, once and whole, above what came of the run.
func TestProgressEnds(t *testing.T) {
	var out strings.Builder
	p := live.NewProgress(&live.Screen{Out: &out, Redraw: true})
	for _, r := range []report.Record{
		report.Run{Tool: "bench test", Duration: 2},
		report.Sample{At: 1, Name: "rate", Value: 5},
		report.Sample{At: 2, Name: "rate", Value: 6}, // Too soon to be shown for itself.
		report.Sample{At: 2, Name: "lost", Value: 7},
		report.Check{At: 2, Name: "gaps", Rule: "none", Passed: true},
		report.End{At: 2},
	} {
		if err := p.Put(r); err != nil {
			t.Fatal(err)
		}
	}
	looks := strings.Split(strings.ReplaceAll(out.String(), "\r\x1b[K", ""), "\x1b[2A")
	if len(looks) != 2 || !strings.Contains(looks[0], "5\n") {
		t.Fatalf("%q", looks)
	}
	if lines := strings.Split(looks[1], "\n"); len(lines) != 5 || !strings.Contains(lines[0], "2 s of 2 s") || !strings.HasSuffix(lines[1], " 6") || !strings.HasSuffix(lines[2], " 7") || lines[3] != "passed: gaps; none" {
		t.Errorf("%q", lines)
	}
}
