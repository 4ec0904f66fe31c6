package main

import (
	"context"
	"errors"
	"maps"
	"strconv"

	"github.com/freshet-live/freshet/bench/report"
	swarm "github.com/freshet-live/freshet/bench/swarm"
)

// swarmCase is one configuration, run with some seeds.
type swarmCase struct {
	labels   report.Labels
	scenario swarm.Scenario
	configs  []swarm.Config
	// beside are the same runs without the scenario, where it compares.
	beside []swarm.Config

	ran, ranBeside []*swarm.Result
}

// cases are the runs that the flags ask for.
func (c benchSwarmCommand) cases() ([]*swarmCase, error) {
	if c.Seeds < 1 {
		return nil, errors.New("--seeds: at least one")
	}
	scenarios, err := c.scenarios()
	if err != nil {
		return nil, err
	}
	var out []*swarmCase
	for _, s := range scenarios {
		for _, country := range c.countries() {
			more, err := c.swept(s, country)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
	}
	return out, nil
}

func (c benchSwarmCommand) scenarios() ([]swarm.Scenario, error) {
	if c.Scenario == "all" {
		return swarm.Scenarios(), nil
	}
	s, err := swarm.Find(c.Scenario)
	return []swarm.Scenario{s}, err
}

func (c benchSwarmCommand) countries() []string {
	if c.Country == "all" {
		return swarm.Countries()
	}
	return []string{c.Country}
}

// swept are the cases of a scenario and a country: one, or one for each value.
func (c benchSwarmCommand) swept(s swarm.Scenario, country string) ([]*swarmCase, error) {
	labels := report.Labels{"scenario": s.Name}
	if c.Country == "all" {
		labels["country"] = country
	}
	plain := func(*swarm.Config) {}
	if c.Sweep == "" {
		one, err := c.one(s, country, labels, plain)
		return []*swarmCase{one}, err
	}
	d, err := swarm.ParseDimension(c.Sweep)
	if err != nil {
		return nil, err
	}
	var out []*swarmCase
	for _, v := range d.Values {
		at := report.Labels{d.Name: strconv.FormatFloat(v, 'g', 6, 64)}
		maps.Copy(at, labels)
		one, err := c.one(s, country, at, func(cfg *swarm.Config) { d.Set(cfg, v) })
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

func (c benchSwarmCommand) one(s swarm.Scenario, country string, labels report.Labels, set func(*swarm.Config)) (*swarmCase, error) {
	out := &swarmCase{labels: labels, scenario: s}
	for i := range c.Seeds {
		cfg := c.config()
		cfg.Country, cfg.Seed = country, c.Seed+uint64(i)
		set(&cfg)
		beside := cfg
		s.Apply(&cfg)
		if err := cfg.Check(); err != nil {
			return nil, err
		}
		out.configs = append(out.configs, cfg)
		if s.Beside {
			out.beside = append(out.beside, beside)
		}
	}
	return out, nil
}

// runAll makes the runs of all cases; done is told when all of a case are over.
func (c benchSwarmCommand) runAll(ctx context.Context, cases []*swarmCase, done func(int, *swarm.Result)) error {
	type place struct {
		of     int
		beside bool
		round  int
	}
	var all []swarm.Config
	var places []place
	for i, k := range cases {
		for round, cfg := range k.configs {
			all, places = append(all, cfg), append(places, place{i, false, round})
		}
		for round, cfg := range k.beside {
			all, places = append(all, cfg), append(places, place{i, true, round})
		}
		k.ran, k.ranBeside = make([]*swarm.Result, len(k.configs)), make([]*swarm.Result, len(k.beside))
	}
	_, err := swarm.RunAll(ctx, all, func(i int, r *swarm.Result) {
		p := places[i]
		if p.beside {
			cases[p.of].ranBeside[p.round] = r
		} else {
			cases[p.of].ran[p.round] = r
		}
		if cases[p.of].over() {
			done(p.of, r)
		}
	})
	return err
}

func (k *swarmCase) over() bool {
	for _, r := range append(k.results(), k.ranBeside...) {
		if r == nil {
			return false
		}
	}
	return true
}

func (k *swarmCase) results() []*swarm.Result { return append([]*swarm.Result(nil), k.ran...) }

func (k *swarmCase) name() string { return k.labels.String() }

// verdicts are those of each round.
func (k *swarmCase) verdicts() [][]swarm.Verdict {
	out := make([][]swarm.Verdict, 0, len(k.ran))
	for i, r := range k.ran {
		var beside *swarm.Result
		if k.scenario.Beside {
			beside = k.ranBeside[i]
		}
		out = append(out, k.scenario.Judge(r, beside))
	}
	return out
}

// report puts a case's figures, and whether each round was as its scenario says.
func (k *swarmCase) report(r *report.Report, alone bool) {
	for i, result := range k.ran {
		at := swarm.Point{Labels: k.labels, Round: i + 1}
		result.Report(r, at)
		if alone {
			result.ReportSeconds(r, at)
		}
	}
	for i, round := range k.verdicts() {
		for _, v := range round {
			r.Check(report.Check{
				Name: k.name() + " seed " + strconv.FormatUint(k.ran[i].Seed, 10), Rule: v.Rule, Passed: v.Kept, Detail: v.Seen,
			})
		}
	}
}
