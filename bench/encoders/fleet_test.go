package encoders_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/encoders"
	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/push"
)

// background runs a fleet until stop is called.
func background(tb testing.TB, f *encoders.Fleet) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	}
}

func TestBadFleets(t *testing.T) {
	good := func() encoders.Config {
		return encoders.Config{
			Count: 2, Buffer: time.Second, Log: slog.New(slog.DiscardHandler),
			Output: push.OutputConfig{To: "srt://127.0.0.1:1?streamid=publish:live/bench-{n}"},
			Source: func(int, *encoders.Marker) (encoders.Source, error) { return newClip(t), nil },
		}
	}
	if _, err := encoders.New(good()); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*encoders.Config){
		"0 encoders":           func(c *encoders.Config) { c.Count = 0 },
		"need {n}":             func(c *encoders.Config) { c.Output.To = "srt://127.0.0.1:1" },
		"need a buffer":        func(c *encoders.Config) { c.Buffer = 0 },
		"there are 2 encoders": func(c *encoders.Config) { c.Schedule.Faults = []encoders.Fault{{Kind: encoders.Kill, Encoder: 3}} },
		"none of srt":          func(c *encoders.Config) { c.Output.To = "rtmp://host/{n}" },
	} {
		cfg := good()
		spoil(&cfg)
		if _, err := encoders.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A machine that is late says so, and one that is not is silent.
func TestLimited(t *testing.T) {
	for late, want := range map[time.Duration]string{6 * time.Millisecond: "packets: p99 6.0 ms late", time.Millisecond: ""} {
		totals := encoders.Totals{Late: &report.Histogram{}}
		totals.Late.AddDuration(late)
		if got := totals.Limited(); got != want {
			t.Errorf("%v: %q, want %q", late, got, want)
		}
	}
}

// What befalls an encoder is told once, and when it is over, too.
func TestHappenings(t *testing.T) {
	cfg := encoders.Config{
		Count: 1, Buffer: time.Second, Log: slog.New(slog.DiscardHandler),
		Output: push.OutputConfig{To: "-", Stdout: io.Discard},
		Source: func(int, *encoders.Marker) (encoders.Source, error) { return newClip(t), nil },
	}
	for _, text := range []string{"100ms corrupt 5% for 200ms", "500ms stall 300ms", "1s kill 200ms", "1500ms pts-jump +1s"} {
		var f encoders.Fault
		if err := f.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		cfg.Schedule.Faults = append(cfg.Schedule.Faults, f)
	}
	fleet, err := encoders.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	stop := background(t, fleet)
	defer stop()
	var got []string
	last := time.Time{}
	for deadline := time.Now().Add(20 * time.Second); len(got) < 7 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, h := range fleet.Happenings() {
			if h.Encoder != 1 || h.At.Before(last) {
				t.Errorf("%+v after %v", h, last)
			}
			last = h.At
			got = append(got, fmt.Sprintf("%s %v", h.Fault.Kind, h.Over))
		}
	}
	want := []string{"corrupt false", "corrupt true", "stall false", "stall true", "kill false", "kill true", "pts-jump false"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if f := fleet.Totals().Faults; f[encoders.Kill] != 1 || f[encoders.Stall] != 1 || f[encoders.Jump] != 1 || f[encoders.Corrupt] != 1 {
		t.Errorf("%v", f)
	}
}
