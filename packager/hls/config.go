package hls

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/relay"
)

// Config configures a Server. Only Relay is required.
type Config struct {
	Relay *relay.Relay
	// SegmentDuration is what groups are joined to, 2 s by default.
	SegmentDuration time.Duration
	// PartDuration is PART-TARGET, 500 ms by default. A stream with so few
	// frames that parts cannot keep the rules gets a target of its own.
	PartDuration time.Duration
	// MaxTargetDuration bounds EXT-X-TARGETDURATION, 6 s by default (Apple's
	// recommended target): groups that last longer are cut inside.
	MaxTargetDuration time.Duration
	// Window is how much media a playlist lists, 20 s by default: more than
	// the skip boundary of six target durations, so that delta updates pay.
	Window time.Duration
	// MaxBytes bounds what one rendition keeps, 128 MiB by default. It is a
	// guard: the bytes are those of the relay log as long as that keeps them.
	MaxBytes int
	// Linger is how long an ended broadcast stays available, 60 s by default.
	Linger time.Duration
	// Idle is how long a broadcast from upstream is followed after the last
	// request for it, 30 s by default: several reloads of a playlist.
	Idle time.Duration
	// Now is the clock; time.Now when nil.
	Now        func() time.Time
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

func (c Config) withDefaults() Config {
	setDefault(&c.SegmentDuration, 2*time.Second)
	setDefault(&c.PartDuration, 500*time.Millisecond)
	setDefault(&c.MaxTargetDuration, 6*time.Second)
	c.MaxTargetDuration = max(c.MaxTargetDuration, ceilSecond(c.SegmentDuration))
	setDefault(&c.Window, 20*time.Second)
	setDefault(&c.Linger, time.Minute)
	setDefault(&c.Idle, 30*time.Second)
	if c.MaxBytes == 0 {
		c.MaxBytes = 128 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}

func ceilSecond(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}
