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
	"syscall"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/fleet"
	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/tiers"
)

// builtBinary is this program, as tools start it again.
func builtBinary(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes")
	}
	binary := filepath.Join(t.TempDir(), "freshet")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// leftOver are namespaces of a process.
func leftOver(t *testing.T, pid int) []string {
	t.Helper()
	found, err := filepath.Glob("/run/netns/freshet-" + strconv.Itoa(pid) + "-*")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A short scenario on a real cluster; then one that is interrupted. Neither leaves
// anything behind.
func TestBenchTiers(t *testing.T) {
	if err := tiers.Possible(); err != nil {
		t.Skip(err)
	}
	binary, dir := builtBinary(t), t.TempDir()
	scenario := filepath.Join(dir, "short.yaml")
	text := "viewers: 2\nlinks:\n  mid-edge: {rtt: 10ms}\nsteps:\n" +
		"  - {do: watch, watch: 2s}\n  - {do: kill, node: serving, watch: 6s}\n"
	if err := os.WriteFile(scenario, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := filepath.Join(dir, "out.json")
	cmd := exec.Command(binary, "bench", "tiers", "--json", lines, scenario)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	if left := leftOver(t, cmd.Process.Pid); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	file, err := os.ReadFile(lines)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := report.Read(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Checks) != 2 || !doc.Checks[0].Passed || !strings.HasPrefix(doc.Checks[1].Name, "kill mid-") {
		t.Errorf("checks: %+v", doc.Checks)
	}
	var killed float64
	for _, r := range doc.Results {
		if r.Name == "pause_max" && strings.HasPrefix(r.Labels["step"], "kill mid-") {
			killed = r.Value
		}
	}
	if killed < 0.1 { // Nobody who loses a parent sees less than the time to notice.
		t.Errorf("the longest pause of a kill is %v s", killed)
	}
}

func TestBenchTiersInterrupted(t *testing.T) {
	if err := tiers.Possible(); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(builtBinary(t), "bench", "tiers", "--viewers", "2")
	cmd.WaitDelay = time.Minute
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); len(leftOver(t, cmd.Process.Pid)) < len(fleet.Names()); {
		if time.Sleep(100 * time.Millisecond); time.Since(began) > time.Minute {
			t.Fatal("no namespaces")
		}
	}
	time.Sleep(time.Second)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("an interrupted run is no success")
	}
	if left := leftOver(t, cmd.Process.Pid); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A real sweep of our relay, and of the bare server beside it.
func TestBenchSweep(t *testing.T) {
	binary, lines := builtBinary(t), filepath.Join(t.TempDir(), "out.json")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "bench", "sweep", "viewers", "--start", "1", "--max", "2", "--bitrate", "500",
		"--repeats", "1", "--warm", "500ms", "--window", "1s", "--deadline", "5s", "--bare", "--json", lines).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(lines)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := report.Read(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	knees := map[string]float64{}
	for _, r := range doc.Results {
		if r.Name == "knee_viewers" {
			knees[r.Labels["server"]] = r.Value
		}
	}
	if knees["freshet"] != 2 || knees["bare"] != 2 {
		t.Errorf("knees: %v", knees)
	}
}

func TestBenchSweepRefuses(t *testing.T) {
	for _, args := range [][]string{
		{"--server", "true"}, {"--pid", "1"}, {"--server", "true", "--pid", "1", "--url", "https://x/"}, {"colour"}, {"--max", "0"}, {"--bitrate", "1"},
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
