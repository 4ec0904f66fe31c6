package rtsp

import (
	"math"
	"time"
)

// Stats are a session's, as the API shows them: totals since it began.
type Stats struct {
	// Transport is "tcp" or "udp"; empty before the first SETUP.
	Transport string `json:"transport"`
	Packets   uint64 `json:"packets"`
	Bytes     uint64 `json:"bytes"`
	// Lost counts packets that never came, Damaged those that made no sense.
	Lost     uint64  `json:"lost"`
	Damaged  uint64  `json:"damaged"`
	MbpsRecv float64 `json:"mbpsRecvRate"`

	Streams []StreamStats `json:"streams"`
	// Unsupported is what the peer offers and is left out.
	Unsupported []string `json:"unsupported,omitempty"`
}

// StreamStats are one stream's.
type StreamStats struct {
	ID          int    `json:"id"`
	Codec       string `json:"codec"`
	Packets     uint64 `json:"packets"`
	Bytes       uint64 `json:"bytes"`
	Lost        uint64 `json:"lost"`
	Damaged     uint64 `json:"damaged"`
	AccessUnits uint64 `json:"accessUnits"`
	// JitterMs is the interarrival jitter of RFC 3550, section 6.4.1.
	JitterMs float64 `json:"jitterMs"`
	// SenderClock: sender reports put the stream on the common clock; before,
	// the time of arrival does.
	SenderClock bool `json:"senderClock"`
}

// jitter is the estimator of RFC 3550, appendix A.8.
type jitter struct {
	timestamp uint32
	arrived   time.Time
	started   bool
	seconds   float64
}

func (j *jitter) observe(timestamp uint32, arrived time.Time, rate int64) {
	if j.started {
		sent := float64(int32(timestamp-j.timestamp)) / float64(rate)
		d := math.Abs(arrived.Sub(j.arrived).Seconds() - sent)
		j.seconds += (d - j.seconds) / 16
	}
	j.timestamp, j.arrived, j.started = timestamp, arrived, true
}
