package wire

import (
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

// Report is what a viewer tells once a second: counters since the last one, and what
// is so now.
type Report struct {
	PeerBytes      Count        `json:"peerBytes"`
	EdgeBytes      Count        `json:"edgeBytes"`
	HedgeBytes     Count        `json:"hedgeBytes"`
	LateBytes      Count        `json:"lateBytes"`
	DuplicateBytes Count        `json:"duplicateBytes"`
	InvalidPieces  Count        `json:"invalidPieces"`
	UploadBytes    Count        `json:"uploadBytes"`
	Stalls         Count        `json:"stalls"`
	StallTime      Millis       `json:"stallTime"`
	PlayTime       Millis       `json:"playTime"`
	Latency        Millis       `json:"latency"`
	Lag            []Millis     `json:"lag,omitempty"`
	Queue          Millis       `json:"queue"`
	Uplink         Count        `json:"uplink"`
	Slots          Count        `json:"slots"`
	Peers          []PeerReport `json:"peers,omitempty"`
}

// PeerReport is what a viewer says of one neighbour.
type PeerReport struct {
	Peer  swarm.PeerID `json:"peer"`
	Score float64      `json:"score"`
	RTT   Millis       `json:"rtt"`
	Bytes Count        `json:"bytes"`
}

// maxScore bounds a score ("Scoring": -100 to 100).
const maxScore = 100

// maxSlots bounds the children that somebody says to have room for.
const maxSlots = 1000

// Kind implements Message.
func (*Report) Kind() string { return "report" }

func (m *Report) check() error {
	if len(m.Lag) > MaxSubs || len(m.Peers) > MaxPeers || m.Uplink > maxRate || m.Slots > maxSlots {
		return invalid("%d lags, %d peers, %d slots", len(m.Lag), len(m.Peers), m.Slots)
	}
	for _, t := range append([]Millis{m.StallTime, m.PlayTime, m.Queue}, m.Lag...) {
		if t < 0 {
			return invalid("negative time")
		}
	}
	for _, p := range m.Peers {
		if p.Score < -maxScore || p.Score > maxScore || p.RTT < 0 {
			return invalid("score %g", p.Score)
		}
	}
	return nil
}

// Policy is the report in the words of package swarm.
func (m *Report) Policy() *swarm.Report {
	r := &swarm.Report{
		PeerBytes: int64(m.PeerBytes), EdgeBytes: int64(m.EdgeBytes), HedgeBytes: int64(m.HedgeBytes),
		LateBytes: int64(m.LateBytes), DuplicateBytes: int64(m.DuplicateBytes), UploadBytes: int64(m.UploadBytes),
		InvalidPieces: int(m.InvalidPieces), Stalls: int(m.Stalls),
		Queue: time.Duration(m.Queue), Uplink: int64(m.Uplink), Slots: int(m.Slots),
	}
	for _, lag := range m.Lag {
		r.Lag = append(r.Lag, time.Duration(lag))
	}
	for _, p := range m.Peers {
		r.Peers = append(r.Peers, swarm.PeerReport{Peer: p.Peer, Score: p.Score, RTT: time.Duration(p.RTT), Bytes: int64(p.Bytes)})
	}
	return r
}

// ReportOf is the message for what a Viewer reports.
func ReportOf(r *swarm.Report) *Report {
	m := &Report{
		PeerBytes: Count(r.PeerBytes), EdgeBytes: Count(r.EdgeBytes), HedgeBytes: Count(r.HedgeBytes),
		LateBytes: Count(r.LateBytes), DuplicateBytes: Count(r.DuplicateBytes), UploadBytes: Count(r.UploadBytes),
		InvalidPieces: Count(r.InvalidPieces), Stalls: Count(r.Stalls),
		Queue: Millis(r.Queue), Uplink: Count(r.Uplink), Slots: Count(r.Slots),
	}
	for _, lag := range r.Lag {
		m.Lag = append(m.Lag, Millis(lag))
	}
	for _, p := range r.Peers {
		m.Peers = append(m.Peers, PeerReport{Peer: p.Peer, Score: p.Score, RTT: Millis(p.RTT), Bytes: Count(p.Bytes)})
	}
	return m
}
