package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/freshet-live/freshet/bench/encoders"
	"github.com/freshet-live/freshet/bench/impair"
	"github.com/freshet-live/freshet/bench/pattern"
)

// patternFlags shape what is made to measure.
type patternFlags struct {
	Size     frameSize   `help:"Of pictures." default:"1280x720"`
	FPS      float64     `name:"fps" help:"Pictures a second." default:"30"`
	GOP      int         `name:"gop" help:"Pictures from a key picture to the next; two seconds of them unless told." placeholder:"N"`
	KeyRatio float64     `help:"How many times as large as others key pictures are; 1 for all alike." default:"5"`
	Audio    impair.Rate `help:"The audio's rate; 0 for none." default:"128kbit"`
}

// frameSize is in pixels; in text "1280x720".
type frameSize struct{ width, height int }

// UnmarshalText reads "1280x720".
func (s *frameSize) UnmarshalText(text []byte) error {
	width, height, _ := strings.Cut(string(text), "x")
	w, err := strconv.Atoi(width)
	h, err2 := strconv.Atoi(height)
	if err != nil || err2 != nil {
		return fmt.Errorf("%q is no size such as 1280x720", text)
	}
	*s = frameSize{w, h}
	return nil
}

// stream fills in what is sent, and how fast.
func (c benchPushCommand) stream(cfg *encoders.Config) error {
	shape := c.pattern()
	switch {
	case c.Rate > 0 && c.Trace != "":
		return errors.New("--rate and --trace: one of them")
	case c.Trace != "":
		rates, err := impair.LoadRates(c.Trace)
		if err != nil {
			return fmt.Errorf("--trace: %w", err)
		}
		cfg.Rate = func(at time.Duration) float64 { return float64(rates.At(at)) }
		shape.Rate, shape.RateAt = float64(rates.Lowest()), cfg.Rate
	case c.Rate > 0 || c.Source == "pattern":
		if c.Rate == 0 {
			c.Rate = 6e6
		}
		shape.Rate = float64(c.Rate)
		cfg.Rate = func(time.Duration) float64 { return shape.Rate }
	}
	if c.Source == "pattern" {
		cfg.Source = func(n int, marker *encoders.Marker) (encoders.Source, error) {
			own := shape
			own.Seed = c.Seed<<20 + uint64(n)
			if marker != nil {
				own.Mark = func(units [][]byte, at time.Duration) []byte { return marker.Mark(units, at, false) }
			}
			return pattern.New(own)
		}
		return nil
	}
	return c.clip(cfg)
}

func (c benchPushCommand) pattern() pattern.Config {
	out := pattern.Config{
		Width: c.Pattern.Size.width, Height: c.Pattern.Size.height, FPS: c.Pattern.FPS, GOP: c.Pattern.GOP,
		KeyRatio: c.Pattern.KeyRatio, AudioRate: int(c.Pattern.Audio),
	}
	if out.AudioRate == 0 {
		out.AudioRate = -1
	}
	return out
}

// clip sends a file, or the demo's.
func (c benchPushCommand) clip(cfg *encoders.Config) error {
	ts := demoClip
	if c.Source != "clip" {
		var err error
		if ts, err = os.ReadFile(c.Source); err != nil {
			return err
		}
	}
	cfg.Source = func(_ int, marker *encoders.Marker) (encoders.Source, error) {
		source, err := encoders.NewClip(ts)
		if err == nil && marker != nil {
			source, err = encoders.NewMarked(source, marker)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Source, err)
		}
		return source, nil
	}
	return nil
}
