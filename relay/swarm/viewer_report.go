package swarm

import "time"

// counters are those of a Report.
type counters struct {
	PeerBytes, EdgeBytes, HedgeBytes       int64
	LateBytes, DuplicateBytes, UploadBytes int64
	InvalidPieces, Stalls                  int
}

// tellReport tells the edge the counters since the last report, and what is so.
func (v *Viewer) tellReport() {
	c := v.report
	r := &Report{
		PeerBytes: c.PeerBytes, EdgeBytes: c.EdgeBytes, HedgeBytes: c.HedgeBytes,
		LateBytes: c.LateBytes, DuplicateBytes: c.DuplicateBytes, UploadBytes: c.UploadBytes,
		InvalidPieces: c.InvalidPieces, Stalls: c.Stalls,
		Lag:    make([]time.Duration, len(v.subs)),
		Queue:  micros(v.backlogTime()),
		Uplink: v.upload.uplink, Slots: v.slots(),
		Peers: make([]PeerReport, 0, len(v.peers)),
	}
	for i := range v.subs {
		r.Lag[i] = micros(v.subs[i].lags.quantile(90))
	}
	for _, p := range v.peers {
		if p.open {
			r.Peers = append(r.Peers, PeerReport{p.id, float64(p.score) / 1000, micros(p.rtt.value), p.bytes})
			p.bytes = 0
		}
	}
	v.report = counters{}
	v.do(Action{Kind: ActionReport, Report: r})
}

// backlogTime is how long a piece waits before it is sent: for the budget, and
// in the connections.
func (v *Viewer) backlogTime() int64 {
	bytes := int64(0)
	for _, p := range v.peers {
		for _, e := range p.queue {
			bytes += int64(e.size)
		}
	}
	if bytes > 0 && v.rate() > 0 {
		return v.waiting() + bytes*8*second/v.rate()
	}
	return v.waiting()
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }
