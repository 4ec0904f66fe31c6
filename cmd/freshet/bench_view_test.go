package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/self"
	"github.com/freshet-live/freshet/bench/view"
)

// benchView runs the command and reads what it reports.
func benchView(t *testing.T, args ...string) (code int, d *report.Document, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), append([]string{"bench", "view", "--json", "-"}, args...), &stdout, &stderr)
	return code, parseReport(t, &stdout), stderr.String()
}

// checks are those of a report, by name.
func checks(d *report.Document) map[string]report.Check {
	out := make(map[string]report.Check)
	for _, c := range d.Checks {
		out[c.Name] = c
	}
	return out
}

// watched is a gateway with the demo's clip, and the flags to watch it by.
func watched(t *testing.T) (g *running, flags []string) {
	t.Helper()
	g = startGateway(t, loopback())
	g.push(t)
	get(t, g.url("/live/demo/index.m3u8"))
	https := g.web.HTTPSAddr().String()
	return g, []string{
		"https://" + https + "/moq", "moqt://" + https, "--broadcast", demoName, "--fingerprint", g.fingerprint()[0],
		"-n", "4", "--ramp", "200ms",
	}
}

// What viewers saw of our own gateway is in the report, and keeps the rules.
func TestBenchViewReport(t *testing.T) {
	t.Parallel()
	_, flags := watched(t)
	code, d, said := benchView(t, append(flags, "--duration", "8s", "--max-gaps", "0", "--max-latency-p99", "1m", "--max-latency-p999", "1m",
		"--max-twice", "0", "--max-ended", "0")...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	for _, name := range []string{"watched", "corrupt", "gaps", "latency_p99", "latency_p999", "twice", "ended"} {
		if c := checks(d)[name]; !c.Passed {
			t.Errorf("check %q is %+v", name, c)
		}
	}
	if d.Run.Tool != "bench view" || d.Run.Settings["viewers"] != "4" || d.End.Failed != 0 {
		t.Errorf("%+v, %+v", d.Run, d.End)
	}
	if n := counters(d); n["objects"] < 500 || n["compared"] < n["objects"]/2 || n["missing"]+n["cut"]+n["corrupt"] != 0 {
		t.Errorf("%v", n)
	}
	if n := samples(d, "watching"); len(n) < 5 || slices.Max(n) != 4 {
		t.Errorf("watching %v", n)
	}
	results := make(map[string]float64)
	for _, r := range d.Results {
		results[r.Name] = r.Value
	}
	if results["latency_p50"] <= 0 || results["latency_p999"] < results["latency_p99"] || results["join_p50"] <= 0 {
		t.Errorf("%v", results)
	}
	delays := int64(0)
	for _, g := range d.DistributionGroups() {
		for _, s := range g.Series {
			if g.Name == "latency" && (s.Labels["track"] == "video" || s.Labels["track"] == "audio") {
				delays += s.Total.Count()
			}
		}
	}
	if delays < 300 || delays > counters(d)["objects"] {
		t.Errorf("%d delays of %d objects", delays, counters(d)["objects"])
	}
	for _, want := range []string{"latency    p50", "of video", "missing 0 (0 whole groups)", "passed: gaps; gaps <= 0; 0"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in %s", want, said)
		}
	}
}

// A rule that is broken is an exit code, and the report says which.
func TestBenchViewFails(t *testing.T) {
	t.Parallel()
	_, flags := watched(t)
	code, d, said := benchView(t, append(flags, "--duration", "4s", "--max-latency-p99", "1ns", "--max-gaps=-1", "--max-stalls", "100000")...)
	c := checks(d)
	if code != 1 || c["latency_p99"].Passed || c["gaps"].Passed || !c["stalls"].Passed || d.End.Failed != 2 {
		t.Errorf("exit code %d, checks %+v", code, c)
	}
	if !strings.Contains(said, "2 of 5 checks failed: latency_p99: ") {
		t.Error(said)
	}
}

// A broadcast that is not there is no success, and its latency was not judged.
func TestBenchViewOfNothing(t *testing.T) {
	t.Parallel()
	_, flags := watched(t)
	code, d, _ := benchView(t, append(flags, "--duration", "2s", "--broadcast", "live/absent", "--max-latency-p99", "1s")...)
	c := checks(d)
	if code != 1 || c["watched"].Passed || c["latency_p99"].Skipped == "" || d.End.Failed != 1 || d.End.Skipped != 1 {
		t.Errorf("exit code %d, checks %+v", code, c)
	}
}

func TestBenchViewHLS(t *testing.T) {
	t.Parallel()
	g, _ := watched(t)
	code, d, said := benchView(t, "--hls", g.url("/live/demo/index.m3u8"), "-n", "2", "--ramp", "0s", "--duration", "6s", "--max-gaps", "0")
	if code != 0 || counters(d)["objects"] < 20 || d.Run.Title != "2 viewers over LL-HLS" {
		t.Errorf("exit code %d, %v: %s", code, counters(d), said)
	}
}

// The client's own limits fail a run only with --strict.
func TestBenchViewStrict(t *testing.T) {
	t.Parallel()
	seen := view.Report{Figures: view.Figures{Objects: 1}, Verdict: self.Verdict{Limited: true, Reasons: []string{"cpu: all of it"}}}
	for _, strict := range []bool{false, true} {
		var d report.Document
		out := report.New(report.Run{Tool: "t"}, &d)
		viewChecks{Strict: strict}.report(out, seen)
		if err := out.Close(); errors.Is(err, report.ErrFailed) != strict {
			t.Errorf("strict %v: %v", strict, err)
		}
		if c, judged := checks(&d)["client_limited"]; judged != strict || strict && !strings.Contains(c.Detail, "cpu: all of it") {
			t.Errorf("strict %v: %+v", strict, d.Checks)
		}
	}
	seen.Limited = false
	out := report.New(report.Run{Tool: "t"})
	viewChecks{Strict: true}.report(out, seen)
	if err := out.Close(); err != nil {
		t.Error(err)
	}
}

func TestBenchViewRefuses(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]string{
		"":                                      "nothing to watch",
		"moqt://h:1 --hls http://h/x.m3u8":      "of one kind",
		"moqt://h:1":                            "broadcast",
		"moqt://h:1 --broadcast a --slow 2":     "--slow",
		"ftp://h:1 --broadcast a":               `"ftp://h:1" is no URL that begins with https:// or moqt://`,
		"--hls moqt://h:1/x.m3u8":               "http:// or https://",
		"moqt://h:1 --broadcast a -n 0":         "viewers",
		"moqt://h:1 --broadcast a --draft 3":    "draft",
		"moqt://h:1 --broadcast a --max-gaps x": "max-gaps",
	} {
		t.Run(flags, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			args := append([]string{"bench", "view"}, strings.Fields(flags)...)
			if code := run(t.Context(), args, &stdout, &stderr); code == 0 || !strings.Contains(stderr.String(), want) {
				t.Errorf("exit code %d: %s, want %s", code, stderr.String(), want)
			}
		})
	}
}
