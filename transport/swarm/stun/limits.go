package stun

import (
	"net/netip"
	"time"
)

const (
	// perSecond is how many requests a second one address may make, perBurst how many
	// at once: a browser asks a few times for each of its networks, and a carrier has
	// thousands behind one address.
	perSecond = 50
	perBurst  = 500
	// maxAddresses bounds what is remembered; when more come within forgetAfter, all are
	// forgotten.
	maxAddresses = 16_384
	forgetAfter  = 10 * time.Second
)

// limits hold each address to a rate. The zero value is ready.
type limits struct {
	seen  map[netip.Addr]*tally
	swept time.Time
}

type tally struct {
	tokens float64
	last   time.Time
}

// allow takes a request of an address: an IPv4 one, or a /64 of IPv6.
func (l *limits) allow(now time.Time, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64) // The length is right.
		a = p.Addr()
	}
	t := l.seen[a]
	if t == nil {
		l.sweep(now)
		t = &tally{tokens: perBurst, last: now}
		l.seen[a] = t
	}
	t.tokens = min(perBurst, t.tokens+now.Sub(t.last).Seconds()*perSecond)
	t.last = now
	if t.tokens < 1 {
		return false
	}
	t.tokens--
	return true
}

// sweep makes room: at times for those who have been silent, and when there is no room
// left for all.
func (l *limits) sweep(now time.Time) {
	if l.seen == nil || len(l.seen) >= maxAddresses {
		l.seen, l.swept = make(map[netip.Addr]*tally), now
		return
	}
	if now.Sub(l.swept) < forgetAfter {
		return
	}
	l.swept = now
	for a, t := range l.seen {
		if now.Sub(t.last) > forgetAfter {
			delete(l.seen, a)
		}
	}
}
