package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/report/reporttest"
)

// written is a run in a file.
func written(t *testing.T, seed uint64, factor float64) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "run.jsonl")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	_ = reporttest.Lasting(30, seed, factor, report.NewWriter(file)) // A check of it fails.
	return name
}

// brief is a run that is soon drawn: the race detector makes an encoder of PNG slow.
func brief(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "brief.jsonl")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	r := report.New(report.Run{Tool: "bench test"}, report.NewWriter(file))
	r.Event(report.Event{At: 1, Name: "kill", Subject: "edge-1"})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestBenchReport(t *testing.T) {
	t.Parallel()
	a, b, dir := written(t, 1, 1), written(t, 2, 1.3), t.TempDir()
	var out bytes.Buffer
	for _, args := range [][]string{
		{"report", a},
		{"report", a, "--html", dir + "/run.html", "--junit", dir + "/run.xml"},
		{"report", brief(t), "--png", dir + "/png"},
		{"compare", a, b, "--html", dir + "/compare.html"},
	} {
		if code := run(t.Context(), append([]string{"bench"}, args...), &out, &out); code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, &out)
		}
	}
	for _, want := range []string{"FAILED: continuity; gaps + duplicates == 0", "not judged: memory", "p99.9", "Mann-Whitney", "higher", "seed: A 1, B 2"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %s", want, &out)
		}
	}
	for file, want := range map[string]string{"run.html": "</html>", "run.xml": "</testsuites>", "compare.html": "</html>", "png/timeline.png": "IEND"} {
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || !bytes.Contains(data, []byte(want)) {
			t.Errorf("%s: %v, %d bytes", file, err, len(data))
		}
	}
}

// Open makes what the flags name, shows progress, and a failed check is an error.
func TestBenchOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	o := benchOutput{JSON: "-", benchPages: benchPages{HTML: dir + "/a.html", JUnit: dir + "/a.xml", PNG: dir + "/png"}}
	r, err := o.Open(console{&stdout, &stderr}, report.Run{Tool: "bench test"})
	if err != nil {
		t.Fatal(err)
	}
	r.Sample(report.Sample{Name: "rate", Unit: "bit/s", Value: 6e6})
	r.Event(report.Event{Name: "kill", Subject: "edge\x1b[2J"}) // Refused: it would move a cursor.
	r.Check(report.Check{Name: "gaps", Rule: "none", Detail: "2"})
	err = r.Close()
	if err == nil || !strings.Contains(err.Error(), "control character") || !strings.Contains(err.Error(), "1 of 1 checks failed: gaps: 2") {
		t.Errorf("closed with %v", err)
	}
	if !strings.Contains(stderr.String(), "rate 6 Mbit/s") || !strings.Contains(stderr.String(), "FAILED: gaps; none; 2") {
		t.Errorf("showed %s", &stderr)
	}
	if d, err := report.Read(&stdout); err != nil || d.Run.Version != versionName() || len(d.Samples) != 1 {
		t.Errorf("%v", err)
	}
	for _, file := range []string{"/a.html", "/a.xml", "/png/rate.png"} {
		if info, err := os.Stat(dir + file); err != nil || info.Size() < 500 {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestBenchReportRefuses(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.jsonl")
	if err := os.WriteFile(bad, []byte("{\"type\":\"run\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := written(t, 1, 1)
	for args, want := range map[string]string{
		"report " + bad:                      "bad.jsonl: line 1: run: format: 0",
		"report absent.jsonl":                "open absent.jsonl",
		"compare " + good + " absent":        "open absent",
		"report " + good + " --html /no/dir": "open /no/dir",
	} {
		var out bytes.Buffer
		if code := run(t.Context(), append([]string{"bench"}, strings.Fields(args)...), &out, &out); code == 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: exit code %d, %s", args, code, &out)
		}
	}
}
