package swarm

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// wordEvery is how often the evidence of one network is believed on its own.
	wordEvery = 10 * time.Minute
	// maxWords bounds the networks that are remembered. While there are as many,
	// nobody's word is enough alone.
	maxWords = 4096
)

// words remembers whose evidence was believed. It shows that a piece is wrong, not who
// made it: who comes back as somebody else, or as many at once, has no more words for
// that.
type words struct {
	mu     sync.Mutex
	spoken map[netip.Prefix]time.Time // Guarded by mu.
}

func newWords() *words { return &words{spoken: make(map[netip.Prefix]time.Time)} }

// take uses the word of the network that an address is of; false when it was used.
func (w *words) take(now time.Time, a netip.Addr) bool {
	if !a.IsValid() || a.IsLoopback() {
		return true // Whoever is on this machine is there for a test.
	}
	n := neighbourhood(a)
	w.mu.Lock()
	defer w.mu.Unlock()
	if at, ok := w.spoken[n]; ok && now.Sub(at) < wordEvery {
		return false
	}
	if len(w.spoken) >= maxWords {
		w.forgetLocked(now)
	}
	if len(w.spoken) >= maxWords {
		return false
	}
	w.spoken[n] = now
	return true
}

func (w *words) forgetLocked(now time.Time) {
	for n, at := range w.spoken {
		if now.Sub(at) >= wordEvery {
			delete(w.spoken, n)
		}
	}
}

// neighbourhood is what one party may well have all of: a /24 of IPv4, a /48 of IPv6.
// In a private network each address is somebody.
func neighbourhood(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 48
	switch {
	case a.IsPrivate():
		bits = a.BitLen()
	case a.Is4():
		bits = 24
	}
	p, _ := a.Prefix(bits) // The lengths are right.
	return p
}
