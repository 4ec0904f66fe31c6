package uplink

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
)

// Where announcements are published, on every node.
const (
	Namespace relay.Namespace = ".freshet"
	Track     string          = "routes"
)

// Parent is a node to get broadcasts from.
type Parent struct {
	// URL is https://host:port/moq for WebTransport, moqt://host:port for raw QUIC.
	URL string
	// Cost orders parents that serve a broadcast equally well, lowest first.
	Cost int
}

// Config configures a Manager. Self, Relay and Dial are required.
type Config struct {
	// Self is this node's ID, unique among all nodes.
	Self  string
	Relay *relay.Relay
	// Dial connects to a parent.
	Dial func(ctx context.Context, url string) (moqt.Conn, error)
	// Token, if set, gives what each new session shows to its parent.
	Token func() string
	// Window is how far back media is kept; Linger how long a track stays
	// subscribed to without readers, relay.DefaultLinger when zero.
	Window, Linger time.Duration
	// Grace is how long a broadcast outlives its last way; DefaultGrace when zero.
	Grace time.Duration
	// Epoch gives the epoch of a broadcast that is published here; may be nil.
	Epoch func(relay.Namespace) uint64
	// Final tells whether a broadcast that was published here, and ended with err, has
	// ended for good: children end it at once, where they else wait for another
	// publisher. May be nil.
	Final func(err error) bool
	// Logger and Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// DefaultGrace is enough for a parent to restart, or for an encoder to move.
const DefaultGrace = 10 * time.Second

const (
	// firstRetry and lastRetry are the waits between attempts to reach a parent.
	firstRetry = 250 * time.Millisecond
	lastRetry  = 3 * time.Second
	// steady is how long a session has to last for the waits to start again.
	steady = 10 * time.Second
	// dialWithin bounds an attempt.
	dialWithin = 5 * time.Second
	// coalesce is how long changes are gathered before they are announced.
	coalesce = 20 * time.Millisecond
	// endWithin is what a broadcast that ended for good is given for the ends of its
	// tracks to pass.
	endWithin = time.Second
	// movedGrace is how long a track that ended at a parent waits for its publisher
	// to show up at another, and to begin: an encoder is let in before its first
	// picture comes.
	movedGrace = 5 * time.Second
)

type metrics struct {
	sessions   prometheus.Gauge
	dials      *prometheus.CounterVec
	broadcasts prometheus.Gauge
	switches   prometheus.Counter
	loops      prometheus.Counter
	silences   prometheus.Counter
	rtt        prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) metrics {
	auto := promauto.With(reg)
	return metrics{
		sessions: auto.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_uplink_sessions", Help: "Parents connected.",
		}),
		dials: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_uplink_dials_total", Help: "Attempts to connect to a parent.",
		}, []string{"result"}),
		broadcasts: auto.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_uplink_broadcasts", Help: "Broadcasts that a parent can serve.",
		}),
		switches: auto.NewCounter(prometheus.CounterOpts{
			Name: "freshet_uplink_switches_total", Help: "Broadcasts that changed their parent.",
		}),
		silences: auto.NewCounter(prometheus.CounterOpts{
			Name: "freshet_uplink_silences_total",
			Help: "Times that nothing came from a connected parent for so long that others took over.",
		}),
		rtt: auto.NewHistogram(prometheus.HistogramOpts{
			Name:    "freshet_uplink_rtt_seconds",
			Help:    "Round-trip times to connected parents, each second.",
			Buckets: []float64{.001, .0025, .005, .01, .02, .04, .08, .16, .32},
		}),
		loops: auto.NewCounter(prometheus.CounterOpts{
			Name: "freshet_uplink_loops_refused_total",
			Help: "Announced broadcasts that were refused because they have passed this node.",
		}),
	}
}
