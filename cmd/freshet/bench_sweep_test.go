package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/tiers"
	"github.com/freshet-live/freshet/ingest/ingesttest"
)

// benchSweep runs the command as a process, and reads its report.
func benchSweep(t *testing.T, args ...string) *report.Document {
	t.Helper()
	lines := filepath.Join(t.TempDir(), "out.json")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args = append([]string{
		"bench", "sweep", "viewers", "--bitrate", "500", "--window", "1s", "--json", lines,
	}, args...)
	out, err := exec.CommandContext(ctx, builtBinary(t), args...).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(lines)
	if err != nil {
		t.Fatal(err)
	}
	return parseReport(t, bytes.NewReader(file))
}

// results are those of a report that a server has.
func resultsOf(d *report.Document, server string) map[string]float64 {
	out := make(map[string]float64)
	for _, r := range d.Results {
		if r.Labels["server"] == server {
			out[r.Name] = r.Value
		}
	}
	return out
}

// A real sweep of our relay, and of the bare server beside it.
func TestBenchSweep(t *testing.T) {
	t.Parallel()
	d := benchSweep(t, "--warm", "500ms", "--start", "1", "--max", "2", "--repeats", "1", "--deadline", "5s", "--bare")
	for _, server := range []string{"freshet", "bare"} {
		if got := resultsOf(d, server); got["knee_viewers"] != 2 {
			t.Errorf("%s: %v", server, got)
		}
	}
}

// srtLatency is what SRT holds each packet back by, in s; parts cannot be there before.
const srtLatency = .12

// The same over LL-HLS, of a gateway that the sweep starts. Players of it begin late,
// and later where the race detector and other tests have the processor.
func TestBenchSweepHLS(t *testing.T) {
	t.Parallel()
	d := benchSweep(t, "--hls", "--warm", "4s", "--start", "2", "--max", "2", "--repeats", "0", "--deadline", "5s", "--broadcasts", "2")
	if got := resultsOf(d, "freshet"); got["knee_viewers"] != 2 || got["rate_per_core"] <= 0 || got["latency_p50"] < srtLatency || got["latency_p99"] > 5 {
		t.Errorf("%v", got)
	}
}

// So is a server that runs already: what its process uses is measured. No server has
// parts where they are wanted within a microsecond.
func TestBenchSweepHLSOfAProcess(t *testing.T) {
	t.Parallel()
	web, srt := freeAddress(t), freeAddress(t)
	file := filepath.Join(t.TempDir(), "freshet.yaml")
	text := "srt: {address: \"" + srt + "\"}\nweb: {http: \"" + web + "\", https: \"127.0.0.1:0\"}\nmetrics: {address: \"\"}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(builtBinary(t), "serve", "--config", file)
	said := &ingesttest.Log{}
	server.Stderr = said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait() // It was killed.
		if t.Failed() {
			t.Log(said)
		}
	})
	pid := strconv.Itoa(server.Process.Pid)
	for deadline, knee := range map[string]float64{"5s": 1, "1us": 0} {
		d := benchSweep(t, "--hls", "--warm", "4s", "--pid", pid, "--url", "http://"+web+"/live/own{n}/index.m3u8", "--publish", "srt://"+srt+"?streamid=publish:live/own{n}",
			"--start", "1", "--max", "1", "--repeats", "0", "--deadline", deadline)
		if got := resultsOf(d, "pid "+pid); got["knee_viewers"] != knee || got["latency_p99"] > 5 || knee > 0 && got["latency_p50"] < srtLatency || (knee > 0) != (got["rate_per_core"] > 0) {
			t.Errorf("within %s: %v", deadline, got)
		}
		for _, e := range d.Events {
			if knee == 0 && !strings.Contains(e.Detail, "1 failed: an object came ") {
				t.Errorf("within %s: %+v", deadline, e)
			}
		}
	}
}

func TestBenchSweepRefuses(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--server", "true"},
		{"--pid", "1"},
		{"--server", "true", "--pid", "1", "--url", "https://x/"},
		{"colour"},
		{"--max", "0"},
		{"--bitrate", "1"},
		{"--hls", "--bare"},
		{"--hls", "--quic"},
		{"--hls", "--pid", "1", "--url", "http://x/"},
		{"--hls", "--server", "true", "--url", "moqt://x", "--publish", "srt://x"},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), append([]string{"bench", "sweep"}, args...), &out, &errs); code == 0 || errs.Len() == 0 {
			t.Errorf("%v: code %d, %q", args, code, errs.String())
		}
	}
	if err := tiers.Possible(); err != nil && !errors.Is(err, tiers.ErrNotHere) {
		t.Error(err)
	}
}
