package swarm

import (
	"slices"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// standing is what the desk knows of a member.
type standing struct {
	profile  policy.Profile
	barred   policy.Reason // Why it takes no part; the tracker does not know of it then.
	mode     policy.Mode
	reason   policy.Reason
	parents  []policy.PeerID
	known    map[policy.PeerID]*pair
	reported time.Time
	last     wire.Report
}

// pair is two members that were made known to each other.
type pair struct {
	token   string
	expires time.Time
	met     bool // One of them said that they were connected.
}

// join gives a member its number and welcomes it.
func (d *desk) join(m *member) {
	d.next++
	m.id = d.next
	s := &m.standing
	s.known = make(map[policy.PeerID]*pair)
	s.mode, s.reported, s.profile = policy.ModeEdge, time.Now(), m.profile
	d.members[m.id] = m
	d.r.edge.metrics.joined(m)
	if s.profile.Consent == policy.ConsentGranted {
		s.profile.Control = d.r.edge.drawControl()
	}
	if s.barred = d.barred(m); s.barred != "" {
		s.reason = s.barred
		d.seat(m)
		return
	}
	actions := d.tracker.Step(d.now(), policy.TrackerEvent{Kind: policy.TrackerJoin, Peer: m.id, Profile: &s.profile})
	// The welcome comes before all else, and says the mode.
	for i := range actions {
		if a := &actions[i]; a.Kind == policy.TrackerMode && a.To == m.id {
			s.mode, s.reason = a.Mode, a.Reason
			a.To = policy.Edge
		}
	}
	d.seat(m)
	for _, a := range actions {
		d.carry(a)
	}
}

// barred tells why the tracker is not to know of a member, empty when it may.
func (d *desk) barred(m *member) policy.Reason {
	if r := d.r.edge.barred(&m.standing.profile); r != "" {
		return r
	}
	if slices.ContainsFunc(m.cohorts(), d.health.Off) {
		return "killed"
	}
	return ""
}

// seat welcomes a member, whose mode is known.
func (d *desk) seat(m *member) {
	d.r.edge.metrics.seated(&m.standing)
	m.post(d.welcome(m))
}

func (d *desk) now() time.Duration { return time.Since(d.start) }

func (d *desk) welcome(m *member) *wire.Welcome {
	s, cfg := &m.standing, &d.r.edge.cfg
	return &wire.Welcome{
		Peer: m.id, Swarm: m.number, Mode: s.mode, Reason: s.reason, Control: s.profile.Control, ICE: cfg.STUN,
		Ask: string(d.r.edge.ask(m.profile.Country)), Params: wire.ParamsOf(cfg.Policy.Params), LAN: m.lan,
	}
}

// leave is the end of a member's stay.
func (d *desk) leave(m *member) {
	if d.members[m.id] != m {
		return
	}
	delete(d.members, m.id)
	for other := range m.standing.known {
		if o := d.members[other]; o != nil {
			delete(o.standing.known, m.id)
		}
	}
	d.r.edge.metrics.left(&m.standing)
	if m.standing.barred == "" {
		d.step(policy.TrackerEvent{Kind: policy.TrackerLeave, Peer: m.id})
	}
	if len(d.members) == 0 {
		d.empty = time.Now()
	}
}

func (d *desk) update(m *member, p *policy.Profile) {
	s := &m.standing
	before, control := s.profile.Consent, s.profile.Control
	s.profile = *p
	s.profile.Control = control
	d.r.edge.metrics.consented(before, p.Consent)
	if s.barred == "" {
		d.step(policy.TrackerEvent{Kind: policy.TrackerUpdate, Peer: m.id, Profile: &s.profile})
	}
}

// link is told of connections between those who know each other alone.
func (d *desk) link(m *member, msg *wire.Link) {
	p := m.standing.known[msg.Peer]
	if p == nil {
		return
	}
	p.met = p.met || msg.State == policy.LinkOpen
	d.r.edge.metrics.linked(msg)
	d.step(policy.TrackerEvent{
		Kind: policy.TrackerLink, Peer: m.id, Other: msg.Peer, State: msg.State, RTT: time.Duration(msg.RTT),
	})
}

// parents are peers that the member knows, or the edge.
func (d *desk) parents(m *member, parents []policy.PeerID) {
	s := &m.standing
	if s.barred != "" || len(parents) != m.subs {
		return
	}
	for _, p := range parents {
		if p != policy.Edge && s.known[p] == nil {
			return
		}
	}
	s.parents = parents
	d.step(policy.TrackerEvent{Kind: policy.TrackerParents, Peer: m.id, Parents: parents})
}

// report takes a report for what it can be.
func (d *desk) report(m *member, msg *wire.Report) {
	s := &m.standing
	now := time.Now()
	d.plausible(msg, now.Sub(s.reported))
	s.reported, s.last = now, *msg
	d.r.edge.metrics.reported(m, msg)
	if s.barred != "" {
		return
	}
	d.compare(m, msg)
	r := msg.Policy()
	known := r.Peers[:0]
	for _, p := range r.Peers {
		if s.known[p.Peer] != nil {
			known = append(known, p)
		}
	}
	r.Peers = known
	d.step(policy.TrackerEvent{Kind: policy.TrackerReport, Peer: m.id, Report: r})
}

// reportSlack is how much more than the time between them the counts of a report may
// speak of: reports are late at times.
const reportSlack = 2 * time.Second

// plausible cuts the counts of a report down to what the stream can have had in the
// time since the last one: viewers may say what they like.
func (d *desk) plausible(msg *wire.Report, since time.Duration) {
	since = min(since+reportSlack, time.Minute)
	most := wire.Count(2 * float64(d.r.bitrate()) / 8 * since.Seconds())
	for _, c := range []*wire.Count{&msg.PeerBytes, &msg.EdgeBytes, &msg.HedgeBytes, &msg.LateBytes, &msg.DuplicateBytes} {
		*c = min(*c, most)
	}
	msg.UploadBytes = min(msg.UploadBytes, wire.Count(len(d.members))*most)
	msg.InvalidPieces = min(msg.InvalidPieces, 1000)
	msg.Stalls = min(msg.Stalls, 100)
	msg.StallTime = min(msg.StallTime, wire.Millis(since))
	msg.PlayTime = min(msg.PlayTime, wire.Millis(since))
}

// invalid is about a peer that the accuser is connected to.
func (d *desk) invalid(m *member, peer policy.PeerID, proven bool) {
	s := &m.standing
	p := s.known[peer]
	if p == nil || !p.met {
		d.r.edge.metrics.accusations.WithLabelValues("stranger").Inc()
		return
	}
	result := "unproven"
	switch {
	case proven && d.r.edge.words.take(time.Now(), s.profile.Address):
		result = "proven"
	case proven:
		result, proven = "again", false
	}
	d.r.edge.metrics.accusations.WithLabelValues(result).Inc()
	d.step(policy.TrackerEvent{Kind: policy.TrackerInvalid, Peer: m.id, Other: peer, Proven: proven})
}

// signal goes to a peer that was made known.
func (d *desk) signal(from *member, to policy.PeerID, msg *wire.Signal) {
	other := d.members[to]
	if other == nil || from.standing.known[to] == nil {
		d.r.edge.metrics.signals.WithLabelValues(errStranger.Error()).Inc()
		return
	}
	d.r.edge.metrics.signals.WithLabelValues("passed").Inc()
	other.post(msg)
}
