package packager

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Reasons of dropped units: the closed set of label values.
const (
	dropUnknown  = "unknown_stream" // Of a stream that the program does not have.
	dropExtra    = "extra_video"    // Of a second video stream.
	dropEmpty    = "empty"          // Without media.
	dropFormat   = "format"         // No header can be made of its format.
	dropWaiting  = "no_random"      // Before the first random access point.
	dropLost     = "lost"           // Its references are missing.
	dropLeading  = "leading"        // Decodes only with what came before the start.
	dropOverlap  = "overlap"        // Audio of a time that was published already.
	dropTooLarge = "too_large"      // More than a chunk may hold.
)

type metrics struct {
	chunks  *prometheus.CounterVec
	bytes   *prometheus.CounterVec
	groups  *prometheus.CounterVec
	headers *prometheus.CounterVec
	dropped *prometheus.CounterVec
	rebases *prometheus.CounterVec
	beacons *prometheus.CounterVec
	delay   prometheus.Histogram // Of beacons.
}

// Results of signing: the closed set of label values.
const (
	beaconSigned = "signed"
	beaconNone   = "none" // The chunk is larger than a beacon can say.
)

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	var m metrics
	for _, c := range []struct {
		vec               **prometheus.CounterVec
		name, help, label string
	}{
		{&m.chunks, "freshet_packager_chunks_total", "Chunks published.", "kind"},
		{&m.bytes, "freshet_packager_chunk_bytes_total", "Bytes of the chunks published.", "kind"},
		{&m.groups, "freshet_packager_groups_total", "Groups started.", "kind"},
		{&m.headers, "freshet_packager_headers_total", "Headers made: tracks started.", "kind"},
		{&m.dropped, "freshet_packager_dropped_units_total", "Access units left out.", "reason"},
		{&m.rebases, "freshet_timeline_rebases_total", "Corrections of the media timeline.", "reason"},
		{&m.beacons, "freshet_packager_beacons_total", "Chunks that were to be signed.", "result"},
	} {
		vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: c.name, Help: c.help}, []string{c.label})
		shared, err := share(r, vec)
		if err != nil {
			return nil, err
		}
		*c.vec = shared
	}
	var err error
	m.delay, err = share[prometheus.Histogram](r, prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "freshet_packager_beacon_delay_seconds",
		Help: "From a chunk's publication to its beacon's: what hashing and signing take.",
		// From a small picture to a key frame of some MB.
		Buckets: prometheus.ExponentialBuckets(25e-6, 2, 12),
	}))
	return &m, err
}

// share registers c, or gives the one that another Packager has registered.
func share[C prometheus.Collector](r prometheus.Registerer, c C) (C, error) {
	if r == nil {
		return c, nil
	}
	err := r.Register(c)
	if taken, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if old, ok := taken.ExistingCollector.(C); ok {
			return old, nil
		}
	}
	return c, err
}
