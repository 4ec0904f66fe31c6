package client

import "time"

// How often the way to the edge is measured: often while pieces go to peers, when a
// line that is full must be noticed soon, and now and then otherwise.
const (
	pingBusy = 500 * time.Millisecond
	pingIdle = 5 * time.Second
	// busyFor is how long a piece that went to a peer counts.
	busyFor = 2 * time.Second
	// maxPings without an answer are remembered.
	maxPings = 8
)

// edgePings are those to the edge. They are owned as machine is.
type edgePings struct {
	next   uint64
	at     time.Time            // Of the last one.
	pushed time.Time            // When a piece went to a peer.
	sent   map[uint64]time.Time // Those without an answer.
}

// due gives the number of a ping whose time has come.
func (p *edgePings) due(now time.Time) (id uint64, ok bool) {
	every := pingIdle
	if now.Sub(p.pushed) < busyFor {
		every = pingBusy
	}
	if now.Sub(p.at) < every {
		return 0, false
	}
	if p.sent == nil || len(p.sent) >= maxPings { // An edge of before pings answers none.
		p.sent = make(map[uint64]time.Time, maxPings)
	}
	p.at = now
	p.next++
	p.sent[p.next] = now
	return p.next, true
}

// answered gives the round trip.
func (p *edgePings) answered(now time.Time, id uint64) (rtt time.Duration, ok bool) {
	sent, ok := p.sent[id]
	delete(p.sent, id)
	return now.Sub(sent), ok
}
