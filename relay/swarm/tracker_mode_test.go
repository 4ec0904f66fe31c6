package swarm_test

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

func TestModesAndTheirReasons(t *testing.T) {
	tests := []struct {
		name   string
		change func(*swarm.Profile)
		mode   swarm.Mode
		reason swarm.Reason
	}{
		{"willing", func(p *swarm.Profile) {}, swarm.ModeOn, ""},
		{"not asked", func(p *swarm.Profile) { p.Consent = swarm.ConsentUnset }, swarm.ModeEdge, "consent"},
		{"refused", func(p *swarm.Profile) { p.Consent = swarm.ConsentDenied }, swarm.ModeEdge, "consent"},
		{"saves data", func(p *swarm.Profile) { p.SaveData = true }, swarm.ModeEdge, "saveData"},
		{"battery", func(p *swarm.Profile) { p.LowBattery = true }, swarm.ModeEdge, "battery"},
		{"cellular", func(p *swarm.Profile) { p.Net = swarm.NetCellular }, swarm.ModeReceive, "cellular"},
		{"carrier, unknown", func(p *swarm.Profile) { p.Carrier, p.Net = true, swarm.NetUnknown }, swarm.ModeEdge, "cellular"},
		{"carrier, wifi", func(p *swarm.Profile) { p.Carrier = true }, swarm.ModeOn, ""},
		{"hidden", func(p *swarm.Profile) { p.Hidden = true }, swarm.ModeReceive, "hidden"},
		{"control", func(p *swarm.Profile) { p.Control = true }, swarm.ModeEdge, "control"},
		{"network", func(p *swarm.Profile) { p.ASN = 666 }, swarm.ModeEdge, "network"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHall(t, swarm.TrackerConfig{Off: []uint32{666}})
			h.join(1, willing(1), 0)
			h.join(2, willing(2), 0)
			p := willing(3)
			tt.change(&p)
			h.join(3, p, 0)
			if got := h.mode[3]; got.Mode != tt.mode || got.Reason != tt.reason {
				t.Errorf("%s %q, want %s %q", got.Mode, got.Reason, tt.mode, tt.reason)
			}
		})
	}
}

func TestHiddenForLong(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(3)
	h.run(5 * time.Second)
	p := willing(0)
	p.Hidden = true
	h.tell(swarm.TrackerEvent{Kind: swarm.TrackerUpdate, Peer: 1, Profile: &p})
	h.run(9 * time.Second)
	if h.mode[1].Mode != swarm.ModeReceive {
		t.Errorf("after 9 s: %+v", h.mode[1])
	}
	h.run(2 * time.Second)
	if h.mode[1].Mode != swarm.ModeEdge {
		t.Errorf("after 11 s: %+v", h.mode[1])
	}
	p.Hidden = false
	h.tell(swarm.TrackerEvent{Kind: swarm.TrackerUpdate, Peer: 1, Profile: &p})
	if h.mode[1].Mode != swarm.ModeOn {
		t.Errorf("back: %+v", h.mode[1])
	}
}

func TestSmallSwarmsStayWithTheEdge(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{Small: 3})
	h.crowd(2)
	if got := h.mode[1]; got.Mode != swarm.ModeEdge || got.Reason != "small" {
		t.Errorf("two of three: %+v", got)
	}
	h.join(3, willing(3), 8)
	for id := range swarm.PeerID(3) {
		if h.mode[id+1].Mode != swarm.ModeOn {
			t.Errorf("three of three: %+v", h.mode[id+1])
		}
	}
	h.leave(3)
	h.run(time.Second)
	if got := h.mode[1]; got.Reason != "small" {
		t.Errorf("two again: %+v", got)
	}
}

func TestKillSwitch(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(6)
	h.run(12 * time.Second)
	h.tell(swarm.TrackerEvent{Kind: swarm.TrackerKill, Off: true})
	for _, id := range h.ids {
		if h.mode[id].Reason != "killed" {
			t.Errorf("%+v", h.mode[id])
		}
	}
	if s := h.tracker.Stats(); s.EdgeFed+s.Subscriptions != 0 || s.Used != 0 {
		t.Errorf("%+v", s)
	}
	h.tell(swarm.TrackerEvent{Kind: swarm.TrackerKill})
	if h.mode[1].Mode != swarm.ModeOn {
		t.Errorf("%+v", h.mode[1])
	}
}

func TestReserve(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(6)
	load := func(egress int64) {
		h.tell(swarm.TrackerEvent{Kind: swarm.TrackerLoad, Egress: egress, Capacity: 1000, Bitrate: 10})
	}
	load(300)
	if s := h.tracker.Stats(); !s.Admit || s.Delay != time.Second {
		t.Errorf("a third: %+v", s)
	}
	load(500)
	h.run(time.Minute)
	if s := h.tracker.Stats(); s.Admit || s.Delay != time.Second {
		t.Errorf("half: %+v", s)
	}
	load(950)
	h.run(11 * time.Second)
	if s := h.tracker.Stats(); s.Admit || s.Delay < 1250*time.Millisecond {
		t.Errorf("full: %+v", s)
	}
	h.run(time.Minute)
	if s := h.tracker.Stats(); s.Delay != 2*time.Second {
		t.Errorf("full for long: %v", s.Delay)
	}
	load(100)
	h.run(5 * time.Minute)
	if s := h.tracker.Stats(); !s.Admit || s.Delay != time.Second {
		t.Errorf("calm: %+v", s)
	}
}

func TestIdleEdgeNeedsNoSwarm(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{MinLoad: 0.5})
	h.crowd(3)
	for _, tt := range []struct {
		egress int64
		mode   swarm.Mode
	}{{0, swarm.ModeEdge}, {499, swarm.ModeEdge}, {500, swarm.ModeOn}, {360, swarm.ModeOn}, {340, swarm.ModeEdge}, {400, swarm.ModeEdge}} {
		h.tell(swarm.TrackerEvent{Kind: swarm.TrackerLoad, Egress: tt.egress, Capacity: 1000, Bitrate: 10})
		if got := h.mode[2]; got.Mode != tt.mode {
			t.Errorf("egress %d of 1000: %+v, want %s", tt.egress, got, tt.mode)
		}
	}
}

func TestPhonesAndCapsGiveLess(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.tell(swarm.TrackerEvent{Kind: swarm.TrackerLoad, Bitrate: 4_000_000})
	phone, capped := willing(1), willing(2)
	phone.Mobile, capped.Cap = true, 3_000_000
	h.join(1, phone, 8)
	h.join(2, capped, 8)
	slots := map[swarm.PeerID]int{}
	for _, a := range h.said {
		if a.Kind == swarm.TrackerSlots {
			slots[a.To] = a.Count
		}
	}
	if slots[1] != 2 || slots[2] != 3 {
		t.Errorf("slots %v, want 2 for a phone and 3 for 3 Mbit/s of 4", slots)
	}
}
