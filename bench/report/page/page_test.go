package page_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/report/compare"
	"github.com/freshet-live/freshet/bench/report/page"
	"github.com/freshet-live/freshet/bench/report/plot"
	"github.com/freshet-live/freshet/bench/report/reporttest"
)

func document(t *testing.T, seed uint64, factor float64) *report.Document {
	t.Helper()
	return lasting(t, 300, seed, factor)
}

func lasting(t *testing.T, seconds int, seed uint64, factor float64) *report.Document {
	t.Helper()
	d := &report.Document{}
	if err := reporttest.Lasting(seconds, seed, factor, d); !errors.Is(err, report.ErrFailed) {
		t.Fatal(err)
	}
	return d
}

// What is on the page is what was reported, and text of others is no markup in it.
func TestPage(t *testing.T) {
	var out bytes.Buffer
	d := document(t, 1, 1)
	if err := page.Write(&out, d); err != nil {
		t.Fatal(err)
	}
	html := out.String()
	for _, want := range []string{
		"1 of 3 checks failed", "200 viewers over WebTransport", "✗ failed", "not judged", "the server is on another machine", "no values",
		"123.5 GB", "4.25 s", "8 of 12 lines are drawn", "A Processor With A Long Name", "&lt;script&gt;alert(1)", "late &lt;i&gt;joiner",
		"viewers per core", "4.812", "queue &lt;b&gt; over time",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, never := range []string{"<script", "<img", "<i>joiner", "queue <b>", "http-equiv=\"refresh", "src=\"http", "NaN", "ZgotmplZ", "fill:#0072B2"} {
		if strings.Contains(html, never) {
			t.Errorf("%q is on the page", never)
		}
	}
	keep(t, "run.html", out.Bytes())
}

func TestPageOfNothing(t *testing.T) {
	d := &report.Document{}
	if err := d.Put(report.Run{Format: 1, Tool: "bench push"}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := page.Write(&out, d); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "cut short") {
		t.Error("a run without an end is not said to be cut short")
	}
}

func TestComparison(t *testing.T) {
	var out bytes.Buffer
	if err := page.WriteComparison(&out, compare.Runs(document(t, 1, 1), document(t, 2, 1.2))); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"higher", "worse", "no difference shown", "too few to judge", "Mann-Whitney"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q", want)
		}
	}
	keep(t, "compare.html", out.Bytes())
}

func TestPictures(t *testing.T) {
	dir := t.TempDir()
	if kept := os.Getenv("REPORT_DIR"); kept != "" {
		dir = kept
	}
	d := lasting(t, 30, 1, 1)
	// One of each kind: the race detector makes an encoder of PNG slow.
	d.Samples = slices.DeleteFunc(d.Samples, func(s report.Sample) bool { return s.Name == "bitrate" || s.Name == "client cpu" })
	d.Distributions = slices.DeleteFunc(d.Distributions, func(d report.Distribution) bool { return d.Name == "join time" })
	if err := plot.WritePNG(dir, d); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"latency-cdf", "latency-p99", "timeline", "viewers", "queue--b-"} {
		head, err := os.ReadFile(filepath.Join(dir, name+".png"))
		if err != nil || !bytes.HasPrefix(head, []byte("\x89PNG")) || len(head) < 10_000 {
			t.Errorf("%s: %v, %d bytes", name, err, len(head))
		}
	}
}

// keep leaves a page to be looked at.
func keep(t *testing.T, name string, data []byte) {
	t.Helper()
	if dir := os.Getenv("REPORT_DIR"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
