package impair_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/impair"
)

func TestShippedScenarios(t *testing.T) {
	names, err := impair.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"home-wifi", "lte-drive", "5g", "satellite", "stadium", "transatlantic", "flaky-uplink", "bonded-van"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not shipped", want)
		}
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			s, err := impair.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			if s.About == "" || !strings.Contains(s.Advice, "SRT") || !strings.Contains(s.Advice, "QUIC") {
				t.Error("does not explain itself")
			}
			for _, p := range s.Links {
				checkAdvice(t, s, p)
			}
		})
	}
}

// checkAdvice holds the SRT latency that a scenario names against the rule: 3, 4, 5,
// 6 round trips for losses up to 1, 3, 7, 10 %, and every stall with a repair
// behind it.
func checkAdvice(t *testing.T, s impair.Scenario, p impair.Path) {
	t.Helper()
	upward, downward := direction(t, p, impair.Up), direction(t, p, impair.Down)
	for at := time.Duration(0); at < max(p.Repeat, time.Second); at += 10 * ms {
		up, _ := upward.InForce(at)
		down, _ := downward.InForce(at)
		loss, times := up.Gilbert.Mean(), 6
		for i, most := range []impair.Percent{.01, .03, .07} {
			if loss <= most+1e-9 {
				times = 3 + i
				break
			}
		}
		if need := time.Duration(times) * (up.Delay + down.Delay); need > s.SRTLatency && !up.Outage {
			t.Fatalf("%s at %v: loss %v, delay %v and %v: needs %v", p.Name, at, loss, up.Delay, down.Delay, need)
		}
	}
	for _, step := range p.Timeline {
		up, _ := upward.InForce(step.At)
		down, _ := downward.InForce(step.At)
		if step.Both.Stall != nil && step.For+up.Delay+down.Delay > s.SRTLatency {
			t.Errorf("%s: a stall of %v", p.Name, step.For)
		}
	}
}

func direction(t *testing.T, p impair.Path, d impair.Direction) *impair.Plan {
	t.Helper()
	plan, err := p.Plan(d)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestMistakesAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ yaml, want string }{
		"unknown key":      {"links:\n  - both:\n      dealy: 5ms\n", `bad.yaml:3: unknown field "dealy"`},
		"no sign":          {"links:\n  - both: {loss: 5}\n", `"5" is no percentage from 0% to 100%`},
		"over all":         {"links:\n  - both: {loss: 101%}\n", `"101%" is no percentage`},
		"rate":             {"links:\n  - both: {rate: 10mb}\n", `"10mb" is no rate such as 800kbit`},
		"no unit":          {"links:\n  - both: {delay: 50}\n", "bad.yaml:"},
		"negative":         {"links:\n  - up: {delay: -50ms}\n", "bad.yaml: links[0].up.delay: -50ms is not between 0 and 1h0m0s"},
		"mtu":              {"links:\n  - up: {mtu: 1}\n", "bad.yaml: links[0].up.mtu: 1 is not between 68 and 65535"},
		"burst":            {"links:\n  - up: {loss: 90%, loss_burst: 1.5}\n", "loss_burst: bursts of 1.5 packets cannot lose 90% of all"},
		"no return":        {"links:\n  - up: {gilbert: 'p=1%'}\n", "never leaves its bad state"},
		"step":             {"links:\n  - repeat: 5s\n    timeline:\n      - {at: 4s, for: 2s}\n", "bad.yaml: links[0].timeline[0].ends at 6s, after the timeline repeats (5s)"},
		"in a step":        {"links:\n  - timeline:\n      - {at: 4s, down: {mtu: 7}}\n", "bad.yaml: links[0].timeline[0].down.mtu: 7"},
		"no links":         {"about: nothing\n", "bad.yaml: links: has 0, takes 1 to 16"},
		"no such trace":    {"links:\n  - trace: absent.csv\n", "links[0].trace: absent.csv: open absent.csv"},
		"not yaml":         {"links: [", "bad.yaml:1:"},
		"an unknown shape": {"links:\n  - both: {distribution: cauchy}\n", `"cauchy" is no distribution`},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "bad.yaml")
			if err := os.WriteFile(file, []byte(c.yaml), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := impair.Load(file); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
	if _, err := impair.Load("moon"); err == nil || !strings.Contains(err.Error(), "shipped are 5g, bonded-van") {
		t.Error(err)
	}
}

func TestTraceMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"1\n2\nx\n":                           `line 3: "x" is no time in ms`,
		"5\n4\n":                              "line 2: goes back in time",
		"0\n0\n":                              "ends at 0",
		"":                                    "has no row with an end",
		"time_s,rate\n0,5\n1,5\n":             `unknown column "rate"`,
		"time_s,delay_ms\n1,5\n2,\n":          "the first row is not at 0",
		"time_s,delay_ms\n0,5\n":              "has no row with an end",
		"time_s,delay_ms\n0,5\n0,5\n":         "line 3: does not go on in time",
		"time_s,delay_ms\n0,5,6\n":            "line 2: has 3 fields, the header 2",
		"delay_ms\n5\n":                       "line 2: has no time_s",
		"time_s,loss_percent\n0,500\n1,\n":    "is more than all",
		"time_s,delay_ms\n0,90000000\n1,\n":   "delay: 25h0m0s is not between",
		"time_s,rate_kbit\n0,900000000\n1,\n": "rate_kbit: 9e+08 is too much",
	} {
		file := filepath.Join(t.TempDir(), "trace")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var path impair.Path
		if err := path.Record(impair.Up, file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
