package swarm

import (
	"fmt"
	"time"
)

// machines are the scenarios in which machines and networks are bad, or their owners.
func machines() []Scenario {
	return append(attacks(), Scenario{
		Name: "throttled", About: "One uploader in twenty has a tenth of its uplink, from one moment to the next.",
		shape: func(c *Config) {
			c.Happenings = []Happening{{Kind: Throttle, At: c.Warm + 5*time.Second, Share: .05}}
		},
		judge: func(r, _ *Result) []Verdict {
			return []Verdict{
				{
					"a throttled parent is left within 2 s", fmt.Sprintf("%v, %d still feed too many", r.LeftAfter.Round(time.Millisecond), r.Clinging),
					r.LeftAfter <= 2*time.Second && r.Clinging == 0,
				}, noStalls(r),
			}
		},
	}, Scenario{
		Name: "regions", About: "Two regions, 80 ms apart.",
		shape: func(c *Config) {
			n := &c.Network
			n.Regions, n.Far, n.Between = 2, n.Near, 80*time.Millisecond
		},
		judge: func(r, _ *Result) []Verdict {
			return []Verdict{atMost("from the other region", r.CrossRegion, .1), noStalls(r)}
		},
	}, Scenario{
		Name: "unconnectable", About: "Four of ten pairs cannot connect.", Beside: true,
		shape: func(c *Config) { c.Network.Connectable = .6 },
		judge: func(r, beside *Result) []Verdict {
			return []Verdict{atMost("offload lost by it", beside.Offload-r.Offload, .05), lateBound(r)}
		},
	}, Scenario{
		Name: "small", About: "Twenty viewers.",
		shape: func(c *Config) { c.Viewers = 20 },
		judge: func(r, _ *Result) []Verdict { return []Verdict{lateBound(r)} },
	}, Scenario{
		Name: "large", About: "Four times as many viewers.",
		shape: func(c *Config) { c.Viewers *= 4 },
		judge: func(r, _ *Result) []Verdict {
			return []Verdict{atLeast("offload of its ceiling", r.Ratio, .85), lateBound(r)}
		},
	})
}

// attacks are those in which some do not play by the rules.
func attacks() []Scenario {
	return []Scenario{{
		Name: "polluter", About: "Of twenty viewers one sends other bytes than it was given.",
		shape: func(c *Config) {
			c.Viewers, c.Session = 20, 0
			c.Cast = []Part{{Role: Polluter, Every: 20, From: c.Warm + 2*time.Second}}
		},
		judge: func(r, _ *Result) []Verdict {
			return []Verdict{noStalls(r), {
				"it is banned within 1 s", fmt.Sprintf("%d of %d after %v", r.Banned, r.Polluters, r.BanMax.Round(time.Millisecond)),
				r.Polluters == 1 && r.Banned == 1 && r.BanMax <= time.Second,
			}}
		},
	}, {
		Name: "free-riders", About: "One of ten offers much and sends nothing.", Beside: true,
		shape: func(c *Config) { c.Cast = []Part{{Role: FreeRider, Every: 10}} },
		judge: func(r, beside *Result) []Verdict {
			return []Verdict{atMost("offload lost by it", beside.Offload-r.Offload, .15), lateBound(r)}
		},
	}, {
		Name: "eclipse", About: "One of five is of one owner in one network, offers much, and falls silent.",
		shape: func(c *Config) { c.Cast = []Part{{Role: Sybil, Every: 5, From: c.Warm + 5*time.Second}} },
		judge: func(r, _ *Result) []Verdict {
			return []Verdict{
				{"nobody has more than two parents of one /24", fmt.Sprint(r.OnePrefix), r.OnePrefix <= 2},
				{"nobody has more than half of the sub-streams from one /24", fmt.Sprintf("%d of %d", r.OnePrefixSubs, r.Subs), 2*r.OnePrefixSubs <= r.Subs},
				noStalls(r),
			}
		},
	}, {
		Name: "hedge-flood", About: "One of ten asks the edge again and again for what it has.", Beside: true,
		shape: func(c *Config) { c.Cast = []Part{{Role: Flooder, Every: 10, From: c.Warm}} },
		judge: func(r, beside *Result) []Verdict {
			// A tenth of the viewers may draw 1.2 times the bitrate, and its bucket once.
			return []Verdict{atMost("hedged beyond the same without it", r.Hedged-beside.Hedged, .15), noStalls(r)}
		},
	}}
}
