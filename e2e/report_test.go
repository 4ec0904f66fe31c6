package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	benchreport "github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/report/compare"
	"github.com/freshet-live/freshet/bench/report/page"
	"github.com/freshet-live/freshet/bench/report/reporttest"
	"github.com/freshet-live/freshet/e2e/rig"
)

// looks is what browser/read.mjs saw of a page.
type looks struct {
	Looks []struct {
		Width       int      `json:"width"`
		ColorScheme string   `json:"colorScheme"`
		Paper       string   `json:"paper"`
		Faults      []string `json:"faults"`
		Texts       int      `json:"texts"`
		Drawings    int      `json:"drawings"`
	} `json:"looks"`
	Requests []string `json:"requests"`
}

// The pages of bench tools can be read at a desk and on a phone, light and dark, and
// ask nobody for anything.
func TestReportPages(t *testing.T) {
	beside(t)
	rig.Need(t, "node", "chromium")
	a, b := hardRun(t, 1, 1), hardRun(t, 2, 1.2)
	for _, p := range []struct {
		name            string
		texts, drawings int // At least, in any look.
		write           func(io.Writer) error
	}{
		{"run", 200, 8, func(w io.Writer) error { return page.Write(w, a) }},
		{"comparison", 200, 0, func(w io.Writer) error { return page.WriteComparison(w, compare.Runs(a, b)) }},
	} {
		t.Run(p.name, func(t *testing.T) {
			seen := read(t, p.write)
			papers := make(map[string]bool)
			for _, l := range seen.Looks {
				papers[l.ColorScheme+l.Paper] = true
				for _, fault := range l.Faults {
					t.Errorf("%d px, %s: %s", l.Width, l.ColorScheme, fault)
				}
				if l.Texts < p.texts || l.Drawings < p.drawings {
					t.Errorf("%d px, %s: %d texts and %d drawings", l.Width, l.ColorScheme, l.Texts, l.Drawings)
				}
			}
			if len(seen.Looks) != 4 || len(papers) != 2 || len(seen.Requests) > 0 {
				t.Errorf("%d looks, paper %v, asked for %q", len(seen.Looks), papers, seen.Requests)
			}
		})
	}
}

func hardRun(t *testing.T, seed uint64, factor float64) *benchreport.Document {
	t.Helper()
	d := &benchreport.Document{}
	if err := reporttest.Run(seed, factor, d); !errors.Is(err, benchreport.ErrFailed) {
		t.Fatal(err)
	}
	return d
}

// read opens a page as a file, as its readers do.
func read(t *testing.T, write func(io.Writer) error) looks {
	t.Helper()
	name, err := filepath.Abs(filepath.Join(artifactDir(t), "page.html"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		t.Fatal(err)
	}
	seen := look(t, rig.Watch{Script: "read.mjs", URL: "file://" + name})
	if len(seen.Console) > 0 {
		t.Errorf("the console says %q", seen.Console)
	}
	var out looks
	if err := json.Unmarshal(seen.Stats, &out); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", seen.Stats, err))
	}
	return out
}
