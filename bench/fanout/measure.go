package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
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
	url     string
	bare    bool
	metrics func(context.Context) (rig.Metrics, error)
	profile string // URL; empty for none.
}

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
	if err := scene.Push(ctx, m.clip); err != nil {
		return r, err
	}
	s := server{Process: scene.Gateway.Process, url: scene.Gateway.HTTPS("/moq"), metrics: scene.Gateway.Metrics}
	if m.profile != "" {
		s.profile = scene.Gateway.Operator(fmt.Sprintf("/debug/pprof/profile?seconds=%.0f", m.duration.Seconds()))
	}
	if m.schedule.Events == nil {
		if m.schedule, err = record(ctx, s.url); err != nil {
			return r, err
		}
	}
	if r, err = m.window(ctx, s); err == nil {
		err = scene.Alive()
	}
	return r, err
}

func (m *measurement) measureBare(ctx context.Context) (r result, err error) {
	c, at, err := startBare(ctx, m.dir, m.schedule)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, c.Stop(5*time.Second)) }()
	metrics := func(ctx context.Context) (rig.Metrics, error) { return rig.ReadMetrics(ctx, at.Metrics) }
	return m.window(ctx, server{Process: c.Process, url: at.Sessions, bare: true, metrics: metrics})
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
	go func() { profiled <- fetch(ctx, s.profile, m.profile) }() // It is waited for below.
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
	metrics, err := s.metrics(ctx)
	if err != nil {
		return nil, 0, err
	}
	cpu, err := s.CPU()
	return metrics, cpu, err
}

// fetch writes what is at a URL to a file, if there is one.
func fetch(ctx context.Context, url, file string) error {
	if url == "" {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	out, err := os.Create(filepath.Clean(file))
	if err != nil {
		return err
	}
	_, err = io.Copy(out, resp.Body)
	return errors.Join(err, out.Close())
}
