package swarm

import (
	"errors"
	"fmt"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// Brain decides for one viewer: a policy.Viewer, or in tests something simpler.
type Brain interface {
	Step(now time.Duration, e policy.Event) []policy.Action
}

// Warden keeps the swarm at its edge: a policy.Tracker, or in tests something simpler.
type Warden interface {
	Step(now time.Duration, e policy.TrackerEvent) []policy.TrackerAction
}

// Config is a run.
type Config struct {
	// Viewers is how many watch, unless the scenario says otherwise.
	Viewers int
	// Duration is how long it takes in virtual time; what is before Warm does not count.
	Duration, Warm time.Duration
	// Ramp is the time in which the first viewers come.
	Ramp time.Duration
	// Session is the mean time that a viewer stays, log-normal with SessionSpread as
	// deviation of its logarithm; 0 is to the end. Who goes is followed by another. The
	// first viewers stay as an audience that is met at some moment does.
	Session       time.Duration
	SessionSpread float64
	// Silent is the share of those who go without a word.
	Silent float64

	// Bitrate is of the whole broadcast, Audio the part of it that is no video; bit/s.
	Bitrate, Audio int64
	// Chunk is the media time in a chunk: a frame's, or more. Group is the time from a
	// key frame to the next; KeyRatio how many times larger than another it is.
	Chunk, Group time.Duration
	KeyRatio     float64

	// Country is whose lines viewers have.
	Country string
	// NonUploaders is the share of viewers on cellular networks.
	NonUploaders float64
	// Consent is the share of viewers who agreed.
	Consent float64

	Network Network
	Params  policy.Params
	// Happenings are what a scenario does while it runs.
	Happenings []Happening
	// Cast is who does not play by the rules.
	Cast []Part

	Seed uint64
	// NewBrain and NewWarden make what decides; nil means those of relay/swarm.
	NewBrain  func(policy.ViewerConfig) Brain
	NewWarden func(policy.TrackerConfig) Warden
}

// DefaultConfig is the steady state that figures are compared in.
func DefaultConfig() Config {
	return Config{
		Viewers: 1000, Duration: 60 * time.Second, Warm: 30 * time.Second, Ramp: 5 * time.Second,
		Session: 600 * time.Second, SessionSpread: 1.4, // Veloso and others, 2002: 1.4 to 1.5.
		Silent:  .2,
		Bitrate: 4_000_000, Audio: 128_000,
		Chunk: 33_333_333 * time.Nanosecond, Group: 2 * time.Second, KeyRatio: 8,
		Country: "us", NonUploaders: .35, Consent: 1,
		Network: DefaultNetwork(), Params: policy.DefaultParams(), Seed: 1,
		NewBrain:  func(c policy.ViewerConfig) Brain { return policy.NewViewer(c) },
		NewWarden: func(c policy.TrackerConfig) Warden { return policy.NewTracker(c) },
	}
}

// Check finds what cannot be run.
func (c *Config) Check() error {
	var errs []error
	must := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	must(c.Viewers > 0 && c.Viewers <= 100_000, "viewers: 1 to 100000")
	must(c.Duration > 0 && c.Duration <= time.Hour, "duration: up to an hour")
	must(c.Warm >= 0 && c.Warm < c.Duration, "warm: shorter than the duration")
	must(c.Audio >= 0 && c.Bitrate > c.Audio, "bitrate: more than the audio's")
	must(c.Bitrate <= 100_000_000, "bitrate: up to 100 Mbit/s")
	must(c.Chunk >= 10*time.Millisecond && c.Group >= c.Chunk && c.Group <= 10*time.Second, "chunk: from 10 ms to a group, a group up to 10 s")
	must(c.KeyRatio >= 1, "key ratio: at least 1")
	must(c.Network.Regions > 0 && c.Network.ASNs > 0, "network: at least one region and one ASN")
	must(c.Network.Window > 0 && c.Network.WindowLeast > 0 && c.Network.WindowMost >= c.Network.Window, "network: windows of some bytes")
	must(c.Params.Subs > 0, "params: at least one sub-stream")
	for name, share := range map[string]float64{
		"non-uploaders": c.NonUploaders, "consent": c.Consent, "silent": c.Silent,
		"connectable": c.Network.Connectable, "loss": c.Network.Loss,
	} {
		must(share >= 0 && share <= 1, fmt.Sprintf("%s: a share from 0 to 1", name))
	}
	if _, err := access(c.Country); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
