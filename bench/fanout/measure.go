package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/freshet-live/freshet/bench/bare"
	"github.com/freshet-live/freshet/bench/load"
	"github.com/freshet-live/freshet/e2e/rig"
)

// result is what one server did in one round.
type result struct {
	received
	delivery rig.Histogram
	cpu      time.Duration
	rss      int64
	skipped  float64 // Groups left out or cut short.
}

// costs are processor seconds for each 10^9 bytes that viewers received.
func (r *result) costs() float64 { return r.cpu.Seconds() / (float64(r.Bytes) / 1e9) }

// server is what is measured.
type server struct {
	*rig.Process
	url  string
	bare bool
	// operator is the URL of a path for who runs it.
	operator func(path string) string
}

// profilePath gives a CPU profile.
const profilePath = "/debug/pprof/profile"

// measure prints the rounds and their medians.
func measure(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "freshet-bench-")
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.binaries == nil {
		binary, err := rig.Build(ctx, dir)
		if err != nil {
			return err
		}
		o.binaries = []string{binary}
	}
	clip, err := o.clip.Make(ctx, dir)
	if err != nil {
		return err
	}
	m := &measurement{options: o, dir: dir, clip: clip}
	for i := range o.rounds {
		if err := m.round(ctx, i); err != nil {
			return err
		}
	}
	return m.report()
}

// measurement is what was measured so far.
type measurement struct {
	options
	dir, clip string
	schedule  bare.Schedule // What the bare server sends; recorded first of all.
	alone     float64       // Share of a processor that the gateway takes with one viewer.
	gateways  [][]result    // For each binary, by round.
	bares     []result
}

// round measures each server once and prints what it did.
func (m *measurement) round(ctx context.Context, i int) error {
	for j, binary := range m.binaries {
		r, err := m.measureGateway(ctx, binary)
		if err != nil {
			return err
		}
		if i == 0 && j == 0 {
			m.head()
		}
		if i == 0 {
			m.gateways = append(m.gateways, nil)
		}
		m.gateways[j] = append(m.gateways[j], r)
		row(fmt.Sprintf("gateway %d", j+1), []result{r})
	}
	if !m.bare {
		return nil
	}
	r, err := m.measureBare(ctx)
	if err != nil {
		return err
	}
	m.bares = append(m.bares, r)
	row("bare", []result{r})
	return nil
}

func (m *measurement) measureGateway(ctx context.Context, binary string) (r result, err error) {
	scene, err := load.NewScene(ctx, binary, m.dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, scene.Close()) }()
	if err := scene.Push(ctx, m.clip, m.door, m.nice); err != nil {
		return r, err
	}
	s := server{Process: scene.Gateway.Process, url: scene.Gateway.HTTPS("/moq"), operator: scene.Gateway.Operator}
	if m.schedule.Events == nil {
		if err := m.recordAlone(ctx, s); err != nil {
			return r, err
		}
	}
	if r, err = m.window(ctx, s); err == nil {
		err = scene.Alive()
	}
	return r, err
}

// recordAlone records the schedule, and what the gateway takes for one viewer.
func (m *measurement) recordAlone(ctx context.Context, s server) (err error) {
	before, err := s.CPU()
	if err != nil {
		return err
	}
	began := time.Now()
	if m.schedule, err = record(ctx, s.url); err != nil {
		return err
	}
	after, err := s.CPU()
	m.alone = (after - before).Seconds() / time.Since(began).Seconds()
	return err
}

func (m *measurement) measureBare(ctx context.Context) (r result, err error) {
	if m.beside {
		scene, failed := load.NewScene(ctx, m.binaries[len(m.binaries)-1], m.dir)
		if failed != nil {
			return r, failed
		}
		defer func() { err = errors.Join(err, scene.Close()) }()
		if failed := scene.Push(ctx, m.clip, m.door, m.nice); failed != nil {
			return r, failed
		}
	}
	c, at, err := startBare(ctx, m.dir, m.schedule)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, c.Stop(5*time.Second)) }()
	operator := func(path string) string { return at.Operator + path }
	return m.window(ctx, server{Process: c.Process, url: at.Sessions, bare: true, operator: operator})
}

// window lets viewers settle and compares two readings.
func (m *measurement) window(ctx context.Context, s server) (r result, err error) {
	load, err := startViewers(ctx, m.dir, s.url, m.options, s.bare)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, load.Stop(20*time.Second)) }()
	if _, err := load.line(); err != nil {
		return r, err
	}
	before, cpu, err := s.read(ctx)
	if err != nil {
		return r, err
	}
	profiled := make(chan error, 1)
	go func() { profiled <- m.fetchProfile(ctx, s) }() // It is waited for below.
	line, err := load.line()
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(line, &r.received); err != nil {
		return r, err
	}
	after, used, err := s.read(ctx)
	if err != nil {
		return r, err
	}
	const skips, delivery = "freshet_moqt_skipped_groups_total", "freshet_moqt_delivery_seconds"
	r.cpu, r.skipped = used-cpu, after.Sum(skips)-before.Sum(skips)
	r.delivery = after.Histogram(delivery).Since(before.Histogram(delivery))
	r.rss, err = s.RSS()
	return r, errors.Join(err, <-profiled)
}

func (s *server) read(ctx context.Context) (rig.Metrics, time.Duration, error) {
	metrics, err := rig.ReadMetrics(ctx, s.operator("/metrics"))
	if err != nil {
		return nil, 0, err
	}
	cpu, err := s.CPU()
	return metrics, cpu, err
}

// fetchProfile writes the profile that was asked for.
func (m *measurement) fetchProfile(ctx context.Context, s server) error {
	file := m.profile
	switch {
	case file == "":
		return nil
	case s.bare:
		file += ".bare"
	}
	url := fmt.Sprintf("%s?seconds=%.0f", s.operator(profilePath), m.duration.Seconds())
	text, err := rig.Get(ctx, url)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o600)
}
