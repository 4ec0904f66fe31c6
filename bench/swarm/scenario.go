package swarm

import (
	"fmt"
	"time"
)

// Scenario is a Config with something that happens, and what must be so then.
type Scenario struct {
	Name, About string
	// Beside is that the rules compare with the same run without it.
	Beside bool
	shape  func(*Config)
	judge  func(r, beside *Result) []Verdict
}

// Verdict is a rule and whether a run kept it.
type Verdict struct {
	Rule, Seen string
	Kept       bool
}

// Apply changes a Config to what the scenario is.
func (s *Scenario) Apply(c *Config) {
	if s.shape != nil {
		s.shape(c)
	}
}

// Judge says whether a run was as it should be. Beside is the same without the scenario,
// where it asks for that.
func (s *Scenario) Judge(r, beside *Result) []Verdict {
	out := safe(r)
	if s.judge != nil {
		out = append(out, s.judge(r, beside)...)
	}
	return out
}

// safe is what holds whatever happens.
func safe(r *Result) []Verdict {
	return []Verdict{
		{"no tree has a loop", fmt.Sprint(r.Loops), r.Loops == 0},
		{"nothing that was not verified is passed on", fmt.Sprint(r.Unverified), r.Unverified == 0},
		{"no chunk is missing for good", fmt.Sprint(r.Lost), r.Lost == 0},
	}
}

func atMost(what string, value, most float64) Verdict {
	return Verdict{fmt.Sprintf("%s at most %.4g %%", what, 100*most), fmt.Sprintf("%.4g %%", 100*value), value <= most}
}

func atLeast(what string, value, least float64) Verdict {
	return Verdict{fmt.Sprintf("%s at least %.4g %%", what, 100*least), fmt.Sprintf("%.4g %%", 100*value), value >= least}
}

func noStalls(r *Result) Verdict {
	return Verdict{"no viewer stalls", fmt.Sprintf("%d stalls", r.Stalls), r.Stalls == 0}
}

func lateBound(r *Result) Verdict { return atMost("late", r.Late, .0001) }

// collapse bounds the edge's peak by its steady egress.
func collapse(r *Result) Verdict {
	factor := 0.0
	if r.EdgeSteady > 0 {
		factor = r.EdgePeak / r.EdgeSteady
	}
	return Verdict{"the edge peaks at most at 2.5 times its steady egress", fmt.Sprintf("%.2f times", factor), factor <= 2.5}
}

// Scenarios are the shipped ones.
func Scenarios() []Scenario { return append(crowds(), machines()...) }

// Find gives the scenario of a name.
func Find(name string) (Scenario, error) {
	for _, s := range Scenarios() {
		if s.Name == name {
			return s, nil
		}
	}
	return Scenario{}, fmt.Errorf("scenario: there is no %q", name)
}

// crowds are those in which people come and go.
func crowds() []Scenario {
	return []Scenario{{
		Name: "steady", About: "Viewers come within 5 s and stay for 10 minutes in the mean; who goes is followed by another.",
		judge: func(r, _ *Result) []Verdict {
			return []Verdict{atLeast("offload of its ceiling", r.Ratio, .9), atMost("hedged", r.Hedged, .03), lateBound(r)}
		},
	}, {
		Name: "flash", About: "A tenth watches; nine times as many come within 10 s.",
		shape: func(c *Config) {
			all := c.Viewers
			c.Viewers = max(1, all/10)
			c.Happenings = []Happening{{Kind: Join, At: c.Warm, Share: float64(all-c.Viewers) / float64(c.Viewers), Within: 10 * time.Second}}
		},
		judge: func(r, _ *Result) []Verdict { return []Verdict{lateBound(r)} },
	}, {
		Name: "churn", About: "Viewers stay for a minute in the mean.",
		shape: func(c *Config) { c.Session = time.Minute },
		judge: func(r, _ *Result) []Verdict {
			return []Verdict{lateBound(r), atLeast("offload of its ceiling", r.Ratio, .7)}
		},
	}, {
		Name: "half-time", About: "Half of the viewers go within 10 s, and as many come back 10 s later.",
		shape: func(c *Config) {
			c.Happenings = []Happening{
				{Kind: Leave, At: c.Warm + 5*time.Second, Share: .5, Within: 10 * time.Second},
				{Kind: Join, At: c.Warm + 25*time.Second, Share: .5, Within: 10 * time.Second},
			}
			c.Duration = c.Warm + 45*time.Second
		},
		judge: func(r, _ *Result) []Verdict { return []Verdict{lateBound(r)} },
	}, {
		Name: "whistle", About: "It is over: nine of ten viewers go within 20 s, most of them in the first 6.",
		shape: func(c *Config) {
			c.Happenings = []Happening{{Kind: Leave, At: c.Warm + 10*time.Second, Share: .9, Within: 20 * time.Second}}
			c.Duration = c.Warm + 35*time.Second
		},
		judge: func(r, _ *Result) []Verdict {
			return []Verdict{
				lateBound(r), collapse(r),
				atMost("the edge's peak, of what the full audience draws,", r.EdgePeak/max(r.FullDraw, 1), .5),
			}
		},
	}}
}
