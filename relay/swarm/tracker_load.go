package swarm

import "time"

const (
	// delayStep is added to T when the edge cannot send more, every delayEvery, up
	// to delayMost; it goes when the reserve has been whole for delayCalm.
	delayStep  = 250 * time.Millisecond
	delayEvery = 10 * time.Second
	delayMost  = time.Second
	delayCalm  = time.Minute
	// saturated is the reserve below which the edge is as good as full.
	saturated = 1.1
)

// load is what the edge sends and can send.
type load struct {
	egress, capacity, bitrate int64
	extra                     time.Duration
	changedAt, shortAt        time.Duration
	// idle: the edge has so little to send that the swarm is off.
	idle bool
}

// loaded takes in the edge's load.
func (t *Tracker) loaded(e TrackerEvent) {
	l := &t.load
	first := l.bitrate == 0
	l.egress, l.capacity, l.bitrate = max(e.Egress, 0), max(e.Capacity, 0), max(e.Bitrate, 0)
	t.setIdle()
	if first && l.bitrate > 0 {
		for _, m := range t.order {
			if m != nil {
				t.tellLimit(m)
			}
		}
	}
}

// calmShare of MinLoad is where the swarm ends again.
const calmShare = 0.7

// setIdle switches the swarm by what the edge sends, when the operator wants that.
func (t *Tracker) setIdle() {
	l := &t.load
	least := t.cfg.MinLoad * float64(l.capacity)
	if !l.idle {
		least *= calmShare
	}
	idle := least > 0 && float64(l.egress) < least
	if idle != l.idle {
		l.idle = idle
		t.decideAll()
	}
}

// reserve is how many times its present egress the edge can send, 0 unknown.
func (l *load) reserve() float64 {
	if l.capacity <= 0 || l.egress <= 0 {
		return 0
	}
	return float64(l.capacity) / float64(l.egress)
}

// relieve lengthens T while the edge is full, and takes it back later: a longer T
// lets more come from peers.
func (t *Tracker) relieve() {
	l := &t.load
	reserve := l.reserve()
	if reserve > 0 && reserve < t.cfg.Reserve {
		l.shortAt = t.now
	}
	switch {
	case reserve > 0 && reserve < saturated && l.extra < delayMost && t.now-l.changedAt >= delayEvery:
		t.setExtra(l.extra + delayStep)
	case l.extra > 0 && t.now-l.shortAt >= delayCalm && t.now-l.changedAt >= delayCalm:
		t.setExtra(l.extra - delayStep)
	}
}

func (t *Tracker) setExtra(extra time.Duration) {
	t.load.extra, t.load.changedAt = extra, t.now
	t.params.Delay = t.cfg.Params.Delay + extra
	for _, m := range t.order {
		if m != nil {
			t.say(TrackerAction{Kind: TrackerDelay, To: m.id, Delay: t.params.Delay})
		}
	}
}
