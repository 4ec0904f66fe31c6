package tiers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/tiers"
)

func TestShippedScenarios(t *testing.T) {
	names, err := tiers.Shipped()
	if err != nil || len(names) < 5 {
		t.Fatalf("%v, %v", names, err)
	}
	for _, name := range names {
		s, err := tiers.Load(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if s.About == "" || s.Name != name || s.Steps[0].Watch == 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if _, err := tiers.Load("none"); err == nil || !strings.Contains(err.Error(), "kill-mid") {
		t.Errorf("an unknown name gives %v", err)
	}
}

func TestParse(t *testing.T) {
	s, err := tiers.Parse("mine.yaml", []byte("viewers: 7\nlinks:\n  mid-edge: {rtt: 40ms, loss: 0.5%}\nsteps:\n  - {do: partition, node: mid-a, peer: edge-c, for: 3s, watch: 1s}\n  - {do: watch}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Viewers != 7 || s.Directory != tiers.Embedded || s.Links["mid-edge"].RTT != 40*time.Millisecond || s.Links["mid-edge"].Loss != 0.005 {
		t.Errorf("%+v", s)
	}
	want := []tiers.Step{
		{Do: tiers.Partition, Node: "mid-a", Peer: "edge-c", For: 3 * time.Second, Watch: time.Second},
		{Do: tiers.Watch, Watch: 6 * time.Second},
	}
	for i, step := range want {
		if s.Steps[i] != step {
			t.Errorf("step %d is %+v", i, s.Steps[i])
		}
	}
}

// What is wrong is said with its line.
func TestParseNamesTheLine(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"no steps":             {"viewers: 3\n", "f.yaml:1: steps: there are 0"},
		"an unknown key":       {"viewers: 3\nsteps:\n  - {do: watch, whom: me}\n", "f.yaml:3: unknown field"},
		"an unknown action":    {"steps:\n  - {do: watch}\n  - {do: explode}\n", `f.yaml:3: steps[1]: do: "explode" is unknown; known are watch,`},
		"an unknown node":      {"steps:\n  - {do: kill, node: mid-c}\n", `f.yaml:2: steps[0]: node: "mid-c" is unknown`},
		"a node too many":      {"steps:\n  - {do: roll, node: mid-a}\n", "f.yaml:2: steps[0]: roll takes no node"},
		"not an origin":        {"steps:\n  - {do: move-encoder, node: mid-a}\n", `f.yaml:2: steps[0]: node: "mid-a" is no origin`},
		"a partition for ever": {"steps:\n  - {do: partition, node: mid-a}\n", "f.yaml:2: steps[0]: for: a partition needs to end"},
		"no such link":         {"steps:\n  - {do: partition, node: edge-a, peer: edge-b, for: 1s}\n", `f.yaml:2: steps[0]: peer: there is no link between edge-a and "edge-b"`},
		"a kill with a length": {"steps:\n  - {do: kill, node: mid-a, for: 1s}\n", "f.yaml:2: steps[0]: peer and for are of a partition"},
		"an unknown hop":       {"about: x\nlinks:\n  mid-mars: {rtt: 1s}\nsteps: [{do: watch}]\n", "f.yaml:3: links.mid-mars: there is no such hop"},
		"an endless way":       {"links:\n  mid-edge: {rtt: 1h}\nsteps: [{do: watch}]\n", "f.yaml:2: links.mid-edge: rtt: 1h0m0s is not between"},
		"no percentage":        {"links:\n  mid-edge: {loss: 5}\nsteps: [{do: watch}]\n", "f.yaml:2: "},
		"too many viewers":     {"about: x\nviewers: 1000000\nsteps: [{do: watch}]\n", "f.yaml:2: viewers: 1000000 is not between"},
		"no directory":         {"directory: lost\nsteps: [{do: watch}]\n", `f.yaml:1: directory: "lost" is neither`},
		"no YAML":              {"steps: [\n", "f.yaml:"},
	} {
		if _, err := tiers.Parse("f.yaml", []byte(tt.text)); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("viewers: 7\nlinks:\n  mid-edge: {rtt: 40ms, loss: 0.5%}\nsteps:\n  - {do: kill, node: serving}\n"))
	f.Add([]byte("steps: [{do: partition, node: mid-a, peer: edge-a, for: 1s}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := tiers.Parse("f.yaml", text)
		if err == nil && (s.Check() != nil || len(s.Steps) == 0) {
			t.Errorf("%+v was let pass", s)
		}
	})
}
