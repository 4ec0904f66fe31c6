package encoders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/bench/alarm"
	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/push"
)

// Placeholder in a target is the number of an encoder.
const Placeholder = "{n}"

// maxCount bounds a fleet.
const maxCount = 100_000

// Config is a fleet.
type Config struct {
	Count int
	// Output says where to send; in its To, Placeholder stands for the encoder.
	Output push.OutputConfig
	// Source makes what encoder n sends; marker is nil for no marks.
	Source func(n int, marker *Marker) (Source, error)
	Mark   bool
	// Rate is as in StreamConfig.
	Rate     func(time.Duration) float64
	Schedule Schedule
	Seed     uint64
	// Ramp is the time from the first encoder's start to the last one's.
	Ramp time.Duration
	// Buffer is how much each encoder keeps while it has no connection.
	Buffer time.Duration
	Log    *slog.Logger
}

// Fleet is many encoders in real time.
type Fleet struct {
	cfg      Config // Set by New, then read-only.
	clock    *alarm.Clock
	encoders []*encoder

	mu       sync.Mutex
	late     report.Histogram // Guarded by mu. By how much, in s, packets were given to the network after they were due.
	faults   map[Kind]int     // Guarded by mu.
	happened []Happening      // Guarded by mu. Not taken yet.
}

// New makes a Fleet; nothing is sent yet.
func New(cfg Config) (*Fleet, error) {
	switch {
	case cfg.Count < 1 || cfg.Count > maxCount:
		return nil, fmt.Errorf("%d encoders: 1 to %d are possible", cfg.Count, maxCount)
	case cfg.Count > 1 && !strings.Contains(cfg.Output.To, Placeholder):
		return nil, fmt.Errorf("%d encoders need %s in their target, for their numbers", cfg.Count, Placeholder)
	case cfg.Buffer <= 0:
		return nil, errors.New("encoders need a buffer")
	}
	if err := cfg.Schedule.Check(cfg.Count); err != nil {
		return nil, err
	}
	clock, err := alarm.NewClock()
	if err != nil {
		return nil, err
	}
	f := &Fleet{cfg: cfg, clock: clock, faults: map[Kind]int{}}
	for n := 1; n <= cfg.Count; n++ {
		e := &encoder{fleet: f, output: cfg.Output, starts: cfg.starts(n)}
		e.output.To = strings.ReplaceAll(cfg.Output.To, Placeholder, strconv.Itoa(n))
		e.output.Status, e.output.Log = &e.status, cfg.Log.With("encoder", n)
		if e.stream, err = cfg.Stream(n, e.wall); err != nil {
			return nil, err
		}
		f.encoders = append(f.encoders, e)
	}
	_, err = push.NewOutput(f.encoders[0].output) // It connects nowhere yet.
	return f, err
}

// starts is when encoder n does.
func (c Config) starts(n int) time.Duration {
	return time.Duration(float64(c.Ramp) * float64(n-1) / float64(max(c.Count-1, 1)))
}

// Stream makes what encoder n does. wall gives the time of day of a time since its
// start.
func (c Config) Stream(n int, wall func(time.Duration) time.Time) (*Stream, error) {
	var marker *Marker
	var stream *Stream
	if c.Mark {
		marker = &Marker{Wall: func(own time.Duration) time.Time { return wall(stream.Wall(stream.paced.sent(own))) }}
	}
	source, err := c.Source(n, marker)
	if err != nil {
		return nil, err
	}
	if n < 1 || n > c.Count {
		return nil, fmt.Errorf("encoder %d of %d", n, c.Count)
	}
	stream = NewStream(StreamConfig{
		Source: source, Rate: c.Rate, Number: n, Count: c.Count, Schedule: c.Schedule, Seed: c.Seed,
		Starts: c.starts(n),
	})
	return stream, nil
}

// Run plays until ctx ends, which is no error, or all encoders have failed. It is
// called once.
func (f *Fleet) Run(ctx context.Context) error {
	ticking, stop := context.WithCancel(context.WithoutCancel(ctx))
	var clock sync.WaitGroup
	clock.Go(func() { f.clock.Run(ticking) })
	defer clock.Wait()
	defer stop()
	began := time.Now()
	var group errgroup.Group
	for _, e := range f.encoders {
		group.Go(func() error {
			err := e.run(ctx, began.Add(e.starts))
			if err != nil && ctx.Err() == nil {
				e.output.Log.Error("encoder ended", "error", err)
				return err
			}
			return nil // The end that was wanted.
		})
	}
	return group.Wait()
}

// sent notes by how much packets were later than due.
func (f *Fleet) sent(late time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late.AddDuration(late)
}
