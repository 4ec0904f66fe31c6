package swarm

import (
	"strconv"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// wholeStream is the cohort of all viewers of a room.
const wholeStream = "stream"

// cohorts are those of a member that may be switched off on their own: its browser, its
// network.
func (m *member) cohorts() []string {
	out := []string{"agent:" + m.agent}
	if asn := m.standing.profile.ASN; asn != 0 {
		out = append(out, "asn:"+strconv.FormatUint(uint64(asn), 10))
	}
	return out
}

func figuresOf(r *wire.Report) policy.Figures {
	return policy.Figures{
		PeerBytes: int64(r.PeerBytes), EdgeBytes: int64(r.EdgeBytes), HedgeBytes: int64(r.HedgeBytes),
		LateBytes: int64(r.LateBytes), DuplicateBytes: int64(r.DuplicateBytes),
		InvalidBytes: int64(r.InvalidPieces) * policy.MaxPiece, // At most; what was refused was not counted in bytes.
		Stalls:       int64(r.Stalls), StallTime: time.Duration(r.StallTime), PlayTime: time.Duration(r.PlayTime),
	}
}

// compare counts a report for the swarm or for the control group. Who is neither, such
// as those without consent, is no measure of either.
func (d *desk) compare(m *member, r *wire.Report) {
	cohort := m.standing.cohort()
	if cohort == "edge" {
		return
	}
	for _, c := range append(m.cohorts(), wholeStream) {
		d.health.Add(d.now(), c, cohort == "control", figuresOf(r))
	}
}

// judge turns switches: a cohort that fares worse than the control group is fed by the
// edge for a while.
func (d *desk) judge() {
	for _, c := range d.health.Step(d.now()) {
		if c.Off {
			d.r.edge.metrics.kills.Inc()
		}
		d.r.log.Warn("swarm kill switch", "cohort", c.Cohort, "off", c.Off,
			"rebuffer_swarm", c.Swarm.Rebuffer(), "rebuffer_control", c.Control.Rebuffer())
		if c.Cohort == wholeStream {
			d.step(policy.TrackerEvent{Kind: policy.TrackerKill, Off: c.Off})
			continue
		}
		for _, m := range d.members {
			d.rejudge(m)
		}
	}
}

// rejudge takes a member out of the tracker's sight, or puts it back, when what bars it
// has changed.
func (d *desk) rejudge(m *member) {
	s := &m.standing
	before := s.barred
	s.barred = d.barred(m)
	switch {
	case before == "" && s.barred != "":
		d.step(policy.TrackerEvent{Kind: policy.TrackerLeave, Peer: m.id})
		d.carry(policy.TrackerAction{Kind: policy.TrackerMode, To: m.id, Mode: policy.ModeEdge, Reason: s.barred})
	case before != "" && s.barred == "":
		d.step(policy.TrackerEvent{Kind: policy.TrackerJoin, Peer: m.id, Profile: &s.profile})
	}
}
