package swarm

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Dimension is what changes from run to run.
type Dimension struct {
	Name string
	Unit string // Of its values, as in reports.
	// Values are those of a sweep that names none.
	Values []float64
	set    func(*Config, float64)
}

func seconds(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }

// Dimensions are what sweeps know.
func Dimensions() []Dimension {
	return []Dimension{
		{"delay", "s", []float64{.5, .6, .75, 1, 1.25, 1.5, 2}, func(c *Config, v float64) { c.Params.Delay = seconds(v) }},
		{"chunk", "s", []float64{1. / 30, .05, .1, .2, .5}, func(c *Config, v float64) { c.Chunk = seconds(v) }},
		{"rtt", "s", []float64{.02, .04, .08, .15}, func(c *Config, v float64) { c.Network.PeerRTT = seconds(v) }},
		{"mobile", "", []float64{0, .2, .35, .5, .7}, func(c *Config, v float64) { c.NonUploaders = v }},
		{"session", "s", []float64{60, 180, 600, 1800}, func(c *Config, v float64) { c.Session = seconds(v) }},
		{"viewers", "", []float64{20, 50, 100, 300, 1000, 4000}, func(c *Config, v float64) { c.Viewers = int(v) }},
		{"bitrate", "bit/s", []float64{1e6, 2e6, 4e6, 6e6, 8e6}, func(c *Config, v float64) { c.Bitrate = int64(v) }},
		{"connectable", "", []float64{.4, .6, .8, .95}, func(c *Config, v float64) { c.Network.Connectable = v }},
		{"loss", "", []float64{0, .001, .005, .01, .02}, func(c *Config, v float64) { c.Network.Loss = v }},
		{"share", "", []float64{.2, .3, .4, .5, .6, .8}, func(c *Config, v float64) { c.Params.Share = v }},
		{"subs", "", []float64{1, 2, 4, 8}, func(c *Config, v float64) { c.Params.Subs = int(v) }},
		{"depth", "", []float64{1, 2, 3, 4, 6}, func(c *Config, v float64) { c.Params.Depth = int(v) }},
		{"edge-rtt", "s", []float64{.004, .03, .08}, func(c *Config, v float64) { c.Network.EdgeRTT = seconds(v) }},
	}
}

// Set sets the dimension of a Config.
func (d *Dimension) Set(c *Config, v float64) { d.set(c, v) }

// ParseDimension reads "delay" or "delay=500ms,1s": times as Go writes them, shares as
// 0.35 or 35%, bit/s as plain numbers.
func ParseDimension(s string) (Dimension, error) {
	name, list, listed := strings.Cut(s, "=")
	for _, d := range Dimensions() {
		if d.Name != name {
			continue
		}
		if !listed {
			return d, nil
		}
		d.Values = nil
		for text := range strings.SplitSeq(list, ",") {
			v, err := d.parse(text)
			if err != nil {
				return Dimension{}, fmt.Errorf("sweep: %s: %w", name, err)
			}
			d.Values = append(d.Values, v)
		}
		return d, nil
	}
	return Dimension{}, fmt.Errorf("sweep: there is no %q", name)
}

func (d *Dimension) parse(text string) (float64, error) {
	if d.Unit == "s" {
		t, err := time.ParseDuration(text)
		return t.Seconds(), err
	}
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		v, err := strconv.ParseFloat(percent, 64)
		return v / 100, err
	}
	return strconv.ParseFloat(text, 64)
}

// RunAll makes runs, as many at a time as there are processors, and gives the results in
// the order of the configs. Done is told of each as it ends, one at a time; it may be nil.
func RunAll(ctx context.Context, configs []Config, done func(int, *Result)) ([]*Result, error) {
	results := make([]*Result, len(configs))
	ended := make(chan int)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0) + 1) // One tells.
	group.Go(func() error {
		for range configs {
			select {
			case i := <-ended:
				if done != nil {
					done(i, results[i])
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for i, cfg := range configs {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			r, err := Run(cfg)
			if err != nil {
				return err
			}
			results[i] = r
			select {
			case ended <- i:
			case <-ctx.Done():
			}
			return nil
		})
	}
	return results, group.Wait()
}
