package swarm

import (
	"slices"
	"time"
)

// verdict is what a viewer's profile allows; the reason is for people.
func (t *Tracker) verdict(m *member) (Mode, Reason) {
	p := &m.profile
	switch {
	case t.killed:
		return ModeEdge, "killed"
	case t.isBanned(m):
		return ModeEdge, "banned"
	case p.Consent != ConsentGranted:
		return ModeEdge, "consent"
	case p.SaveData:
		return ModeEdge, "saveData"
	case p.LowBattery:
		return ModeEdge, "battery"
	case p.Hidden && t.now-m.hiddenAt >= 10*time.Second:
		return ModeEdge, "hidden"
	case p.Control:
		return ModeEdge, "control"
	case slices.Contains(t.cfg.Off, p.ASN) && p.ASN != 0:
		return ModeEdge, "network"
	case p.Carrier && p.Net != NetCellular && p.Net != NetWiFi && p.Net != NetEthernet:
		return ModeEdge, "cellular"
	case p.Hidden:
		return ModeReceive, "hidden"
	case p.Net == NetCellular:
		return ModeReceive, "cellular"
	}
	return ModeOn, ""
}

// decide gives a viewer its mode.
func (t *Tracker) decide(m *member) {
	mode, reason := t.verdict(m)
	if willing := mode != ModeEdge; willing != m.willing {
		m.willing = willing
		before := t.willing >= t.cfg.Small
		if willing {
			t.willing++
		} else {
			t.willing--
		}
		if after := t.willing >= t.cfg.Small; after && !before {
			t.wake(m)
		}
	}
	if m.willing && (t.load.idle || t.willing < t.cfg.Small) {
		mode, reason = ModeEdge, "small"
	}
	t.setMode(m, mode, reason)
}

// wake gives their modes to those who waited for company.
func (t *Tracker) wake(except *member) {
	for _, m := range t.order {
		if m != nil && m != except && m.reason == "small" {
			t.decide(m)
		}
	}
}

func (t *Tracker) setMode(m *member, mode Mode, reason Reason) {
	if m.mode == mode && m.reason == reason {
		return
	}
	m.mode, m.reason = mode, reason
	t.say(TrackerAction{Kind: TrackerMode, To: m.id, Mode: mode, Reason: reason})
	for s := range m.branches {
		if mode != ModeOn {
			t.evict(m, s)
		}
		if mode == ModeEdge {
			t.attach(m, s, nil)
		}
		t.fileRoot(m, s)
	}
	if mode != ModeOn {
		m.slots = 0
	}
	t.refile(m)
}

// tellLimit bounds the slots of those with a cap of their own; a phone gives at
// most half the bitrate.
func (t *Tracker) tellLimit(m *member) {
	limit := -1
	if m.profile.Mobile {
		limit = t.params.Subs / 2
	}
	if m.profile.Cap > 0 && t.load.bitrate > 0 {
		own := int(m.profile.Cap * int64(t.params.Subs) / t.load.bitrate)
		if limit < 0 || own < limit {
			limit = min(own, 4*t.params.Subs)
		}
	}
	if limit == m.limit {
		return
	}
	m.limit = limit
	told := limit
	if told < 0 {
		told = 4 * t.params.Subs
	}
	t.say(TrackerAction{Kind: TrackerSlots, To: m.id, Count: told})
}

// kill is the cohort's switch.
func (t *Tracker) kill(off bool) {
	t.killed = off
	t.decideAll()
}

func (t *Tracker) decideAll() {
	for _, m := range t.order {
		if m != nil {
			t.decide(m)
		}
	}
}

// check does what time brings for one viewer.
func (t *Tracker) check(m *member) {
	if m.profile.Hidden && m.mode == ModeReceive || m.reason == "small" || m.mode != ModeEdge && t.willing < t.cfg.Small {
		t.decide(m)
	}
	t.expireLinks(m)
	t.judge(m)
	if t.members[m.id] != m || m.mode == ModeEdge {
		return
	}
	for s := range m.branches {
		t.checkBranch(m, s)
	}
	if !m.standby && t.now-m.joinedAt >= standbyAfter {
		t.revealStandby(m)
	}
}

// standbyAfter is how long the trees have to give a viewer neighbours.
const standbyAfter = 5 * time.Second

// confirmTime is how long a viewer has to say that its parent feeds it.
const confirmTime = 5 * time.Second

// holdTime is how long a subscription that came back stays on the edge; it doubles
// each time, at most five times.
const holdTime = 2 * time.Second

// checkBranch takes back an assignment that came to nothing, and leaves parents
// that nobody should have.
func (t *Tracker) checkBranch(m *member, s int) {
	b := &m.branches[s]
	if b.parent == nil {
		return
	}
	if !b.confirmed && t.now-b.changedAt > confirmTime {
		t.shunPair(m, b.parent.id, time.Minute)
		t.giveBack(m, s)
	}
}

// giveBack puts a subscription on the edge for a while, longer each time.
func (t *Tracker) giveBack(m *member, s int) {
	b := &m.branches[s]
	b.hold = t.now + holdTime<<min(b.trips, 5)
	b.trips++
	t.attach(m, s, nil)
	t.give(m, s, nil)
}
