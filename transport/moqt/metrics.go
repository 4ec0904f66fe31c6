package moqt

import (
	"context"
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// metrics are shared by all sessions of a Server. Label values come from closed
// sets: drafts, skip reasons, code names, end reasons.
type metrics struct {
	sessions      *prometheus.GaugeVec
	subscriptions prometheus.Gauge
	objects       prometheus.Counter
	bytes         prometheus.Counter
	delivery      prometheus.Histogram
	forward       prometheus.Histogram
	skips         *prometheus.CounterVec
	datagramsLost prometheus.Counter
	requestErrors *prometheus.CounterVec
	ends          *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	return &metrics{
		sessions: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "freshet_moqt_sessions", Help: "MoQT sessions that are set up, by draft.",
		}, []string{"draft"}),
		subscriptions: f.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_moqt_subscriptions", Help: "Established subscriptions.",
		}),
		objects: f.NewCounter(prometheus.CounterOpts{
			Name: "freshet_moqt_objects_total", Help: "Objects handed to the transport whole.",
		}),
		bytes: f.NewCounter(prometheus.CounterOpts{
			Name: "freshet_moqt_payload_bytes_total", Help: "Payload bytes handed to the transport.",
		}),
		delivery: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "freshet_moqt_delivery_seconds",
			Help:    "From an object being complete (made here, or its last byte come from upstream) to its last byte being handed to the transport, for each subscriber.",
			Buckets: DeliveryBuckets(),

			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}),
		forward: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "freshet_moqt_forward_seconds",
			Help:    "From the header of an object having come from upstream to its header, with what there is of the payload, being handed to the transport, for each subscriber.",
			Buckets: []float64{.0001, .00025, .0005, .00075, .001, .0015, .002, .003, .004, .005, .0075, .01, .02, .05, .1, .5},

			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}),
		skips: f.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_moqt_skipped_groups_total", Help: "Groups left out or cut short, by reason.",
		}, []string{"reason"}),
		datagramsLost: f.NewCounter(prometheus.CounterOpts{
			Name: "freshet_moqt_datagrams_dropped_total", Help: "Objects for datagrams that the connection does not take, mostly by their size.",
		}),
		requestErrors: f.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_moqt_request_errors_total", Help: "Requests refused, by code.",
		}, []string{"code"}),
		ends: f.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_moqt_session_ends_total", Help: "Sessions that ended, by reason.",
		}, []string{"reason"}),
	}
}

// DeliveryBuckets are the bounds of freshet_moqt_delivery_seconds in seconds: fine
// about the 10 ms that it is held to, since a quantile is guessed within a bucket.
func DeliveryBuckets() []float64 {
	return []float64{
		.0005, .001, .002, .003, .004, .005, .006, .008, .01,
		.0125, .015, .02, .025, .03, .04, .05, .075, .1, .2, .5, 1, 2,
	}
}

func draftLabel(d *wire.Dialect) string { return strconv.Itoa(d.Draft) }

// endReason folds the error that ended a session into a closed set.
func endReason(err error) string {
	switch {
	case err == nil:
		return "peer_closed"
	case errors.Is(err, ErrStalled), errors.Is(err, os.ErrDeadlineExceeded):
		return "stalled"
	case errors.Is(err, ErrSetupTimeout):
		return "setup_timeout"
	case errors.Is(err, ErrDraining):
		return "drained"
	case errors.Is(err, context.Canceled), errors.Is(err, ErrSessionClosed):
		return "shutdown"
	}
	if e, ok := errors.AsType[*wire.Error](err); ok {
		if e.Code == wire.GoawayTimeout {
			return "drained"
		}
		return "violation"
	}
	if _, ok := errors.AsType[*CloseError](err); ok {
		return "peer_error"
	}
	return "transport"
}
