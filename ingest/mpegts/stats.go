package mpegts

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Class is a class of damage in a transport stream.
type Class uint8

// The classes. The first five are those of ETSI TR 101 290.
const (
	// ErrorSync: bytes were no packets.
	ErrorSync Class = iota
	// ErrorContinuity: packets are missing.
	ErrorContinuity
	// ErrorTransport: transport_error_indicator was set.
	ErrorTransport
	// ErrorCRC: a section did not match its CRC.
	ErrorCRC
	// ErrorScrambled: a packet of a carried stream is encrypted.
	ErrorScrambled
	// ErrorDuplicate: a packet came twice, which is allowed.
	ErrorDuplicate
	// ErrorDiscontinuity: the encoder announced a step in the counters.
	ErrorDiscontinuity
	// ErrorSection: a section could not be read.
	ErrorSection
	// ErrorPES: a PES header or length was wrong.
	ErrorPES
	// ErrorEarlyEnd: a PES went on behind its learned end.
	ErrorEarlyEnd
	// ErrorTimestamp: a PTS or DTS was missing or out of order.
	ErrorTimestamp
	// ErrorFrame: an access unit could not be read.
	ErrorFrame
	// ErrorOversize: an access unit was longer than its limit.
	ErrorOversize

	classes
)

var classNames = [classes]string{
	"sync", "continuity", "transport", "crc", "scrambled", "duplicate",
	"discontinuity", "section", "pes", "early_end", "timestamp", "frame", "oversize",
}

func (c Class) String() string {
	if c < classes {
		return classNames[c]
	}
	return "unknown"
}

// Metrics counts over all demuxers of a process.
type Metrics struct {
	errors  [classes]prometheus.Counter
	packets prometheus.Counter
	units   [2]prometheus.Counter // audio, video
}

// NewMetrics registers the counters; a nil Registerer leaves them unregistered.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	m := &Metrics{packets: f.NewCounter(prometheus.CounterOpts{
		Name: "freshet_ts_packets_total", Help: "Transport packets read, null packets included.",
	})}
	errs := f.NewCounterVec(prometheus.CounterOpts{
		Name: "freshet_ts_errors_total", Help: "Damage in transport streams by class.",
	}, []string{"class"})
	for i := range m.errors {
		m.errors[i] = errs.WithLabelValues(classNames[i])
	}
	units := f.NewCounterVec(prometheus.CounterOpts{
		Name: "freshet_ts_access_units_total", Help: "Access units handed on by media.",
	}, []string{"media"})
	m.units = [2]prometheus.Counter{units.WithLabelValues("audio"), units.WithLabelValues("video")}
	return m
}

// Stats is a snapshot of one demuxer's counters.
type Stats struct {
	Bytes       uint64
	Packets     uint64
	AccessUnits uint64
	// Errors counts by Class; classes without errors are left out.
	Errors map[string]uint64
}

// tally holds the counts of one Write, so that the hot path touches no atomics.
type tally struct {
	bytes, packets uint64
	units          [2]uint64
	errors         [classes]uint64
	damaged        bool // Some errors are not zero.
}

// totals are read by Stats from any goroutine.
type totals struct {
	bytes, packets, units atomic.Uint64
	errors                [classes]atomic.Uint64
}

func (t *tally) error(c Class) {
	t.errors[c]++
	t.damaged = true
}

// publish adds t to the totals and the metrics and clears it.
func (t *tally) publish(to *totals, m *Metrics) {
	to.bytes.Add(t.bytes)
	to.packets.Add(t.packets)
	m.packets.Add(float64(t.packets))
	for i, n := range t.units {
		if n > 0 {
			to.units.Add(n)
			m.units[i].Add(float64(n))
		}
	}
	if t.damaged {
		for i, n := range t.errors {
			if n > 0 {
				to.errors[i].Add(n)
				m.errors[i].Add(float64(n))
			}
		}
	}
	*t = tally{}
}

func (t *totals) snapshot() Stats {
	s := Stats{
		Bytes: t.bytes.Load(), Packets: t.packets.Load(), AccessUnits: t.units.Load(),
		Errors: map[string]uint64{},
	}
	for i := range t.errors {
		if n := t.errors[i].Load(); n > 0 {
			s.Errors[classNames[i]] = n
		}
	}
	return s
}
