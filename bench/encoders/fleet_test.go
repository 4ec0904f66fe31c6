package encoders_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/encoders"
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
func TestBottleneck(t *testing.T) {
	slow := encoders.Totals{LateP99: 6 * time.Millisecond}.Bottleneck(0.95)
	if !strings.Contains(slow, "6ms late") || !strings.Contains(slow, "95% of all cores") {
		t.Error(slow)
	}
	if s := (encoders.Totals{LateP99: time.Millisecond}).Bottleneck(0.5); s != "" {
		t.Error(s)
	}
}
