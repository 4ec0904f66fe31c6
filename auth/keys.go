package auth

import (
	"slices"
	"sync"
)

// ring holds the keys of all sources as one set.
type ring struct {
	mu   sync.RWMutex
	file keySet  // Guarded by mu.
	url  keySet  // Guarded by mu.
	all  *keySet // Guarded by mu. Never nil; replaced on each change, so that it tells versions apart.
}

func newRing() *ring { return &ring{all: &keySet{}} }

func (r *ring) current() *keySet {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.all
}

func (r *ring) setFile(s keySet) { r.set(func() { r.file = s }) }

func (r *ring) setURL(s keySet) { r.set(func() { r.url = s }) }

func (r *ring) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	all := slices.Concat(r.file, r.url)
	if !slices.EqualFunc(all, *r.all, key.equal) {
		r.all = &all
	}
}
