package client

import (
	"testing"
	"time"
)

func TestEdgePings(t *testing.T) {
	var p edgePings
	start := time.Now()
	sent := make(map[time.Duration]uint64)
	for at := time.Duration(0); at < 12*time.Second; at += tickEvery {
		now := start.Add(at)
		if at == 6*time.Second {
			p.pushed = now
		}
		if id, ok := p.due(now); ok {
			sent[at] = id
		}
	}
	// Now and then; each half second while pieces go to peers, and 2 s after.
	want := []time.Duration{0, 5 * time.Second, 6 * time.Second, 6500 * time.Millisecond, 7 * time.Second, 7500 * time.Millisecond}
	for _, at := range want {
		if sent[at] == 0 {
			t.Errorf("no ping at %v: %v", at, sent)
		}
	}
	if len(sent) != len(want) {
		t.Errorf("pings at %v, wanted at %v", sent, want)
	}
	if rtt, ok := p.answered(start.Add(7540*time.Millisecond), sent[7500*time.Millisecond]); !ok || rtt != 40*time.Millisecond {
		t.Errorf("round trip of %v, %v", rtt, ok)
	}
	if _, ok := p.answered(start.Add(8*time.Second), sent[7500*time.Millisecond]); ok {
		t.Error("answered twice")
	}
	for i := range 100 {
		p.due(start.Add(time.Duration(i) * time.Minute))
	}
	if len(p.sent) > maxPings {
		t.Errorf("%d pings are remembered", len(p.sent))
	}
}
