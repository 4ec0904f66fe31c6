package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/proc"
	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/tiers"
)

// builtBinary is this program, as tools start it again.
func builtBinary(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes")
	}
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// build builds it once for all tests, without the race detector.
var build = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(scratch, "freshet")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return binary, nil
})

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
	t.Parallel()
	if err := tiers.Possible(); err != nil {
		t.Skip(err)
	}
	binary, dir := builtBinary(t), t.TempDir()
	scenario := filepath.Join(dir, "short.yaml")
	// Two at each edge, whichever of them the mid serves that is killed.
	text := "viewers: 6\nlinks:\n  mid-edge: {rtt: 10ms}\nsteps:\n" +
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
	if killed < 0.4 { // Nobody who loses a parent sees less than the time to notice, half a second of silence.
		t.Errorf("the longest pause of a kill is %v s", killed)
	}
}

// Whatever ends a run before its time, nothing stays behind, and it is no success.
func TestBenchTiersInterrupted(t *testing.T) {
	t.Parallel()
	if err := tiers.Possible(); err != nil {
		t.Skip(err)
	}
	binary := builtBinary(t)
	for name, end := range map[string]func(t *testing.T, pid int){
		"SIGINT": func(t *testing.T, pid int) {
			t.Helper()
			interrupt(t, pid, syscall.SIGINT)
		},
		"SIGKILL of a node": func(t *testing.T, pid int) {
			t.Helper()
			interrupt(t, nodeOf(t, pid), syscall.SIGKILL)
		},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(binary, "bench", "tiers", "--viewers", "2")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			end(t, cmd.Process.Pid)
			if err := cmd.Wait(); err == nil {
				t.Error("an interrupted run is a success")
			}
			if left := leftOver(t, cmd.Process.Pid); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// interrupt waits for a run's nodes and signals a process.
func interrupt(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	nodeOf(t, pid)
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatal(err)
	}
}

// nodeOf waits for a gateway that a process, or its parent, has started.
func nodeOf(t *testing.T, pid int) int {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(100 * time.Millisecond) {
		names, err := filepath.Glob("/proc/[0-9]*/cmdline")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			line, _ := os.ReadFile(name)
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			s, err := proc.Read(child)
			if err == nil && (s.Parent == pid || child == pid) && bytes.Contains(line, []byte("\x00--config\x00")) {
				return child
			}
		}
	}
	t.Fatal("no node starts")
	return 0
}
