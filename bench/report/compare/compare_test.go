package compare_test

import (
	"math/rand/v2"
	"testing"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/report/compare"
)

// rounds is a run of n rounds whose result is about mean.
func rounds(t *testing.T, dice *rand.Rand, n int, mean float64) *report.Document {
	t.Helper()
	d := &report.Document{}
	r := report.New(report.Run{Tool: "t"}, d)
	for i := range n {
		h := &report.Histogram{}
		for range 200 {
			h.Add(mean * (1 + .1*dice.NormFloat64()))
		}
		r.Result(report.Result{Round: i + 1, Name: "cost", Value: mean * (1 + .1*dice.NormFloat64()), Better: report.Lower})
		r.Distribution(report.Distribution{Round: i + 1, Name: "delay", Unit: "s", Histogram: h})
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

// A difference of three deviations is found, and its interval holds the truth.
func TestFindsDifference(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 1))
	c := compare.Runs(rounds(t, dice, 10, 1), rounds(t, dice, 10, 1.3))
	if len(c.Rows) != 5 {
		t.Fatalf("%d rows", len(c.Rows))
	}
	for _, r := range c.Rows {
		want := "higher"
		if r.Name == "cost" {
			want = "worse"
		}
		if r.Verdict() != want || r.Low > .3 || r.High < .3 || r.P > .01 {
			t.Errorf("%s: %s, %s, p %v", r.Title(), r.Verdict(), r.Interval(), r.P)
		}
	}
}

// Of 200 pairs without a difference about none in twenty may show one; Holm allows
// fewer, as it counts all figures of a pair.
func TestFalseAlarms(t *testing.T) {
	dice := rand.New(rand.NewPCG(2, 2))
	alarms := 0
	for range 200 {
		for _, r := range compare.Runs(rounds(t, dice, 8, 1), rounds(t, dice, 8, 1)).Rows {
			if r.Differs() {
				alarms++
				break
			}
		}
	}
	t.Logf("%d false alarms in 200", alarms)
	if alarms > 20 {
		t.Errorf("%d false alarms in 200", alarms)
	}
}

func TestTooFew(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 3))
	for _, r := range compare.Runs(rounds(t, dice, 4, 1), rounds(t, dice, 9, 2)).Rows {
		if r.Verdict() != "too few to judge" || r.PText() != "" {
			t.Errorf("%s: %s", r.Title(), r.Verdict())
		}
	}
}
