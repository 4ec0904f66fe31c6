package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// grace is how long the Store may fail before it counts as down: an election
	// of its leader takes up to 700 ms.
	grace = time.Second
	// duplicateFor is how long a second user of our node ID is told of.
	duplicateFor = 10 * time.Second
)

// health judges the Store by the answers to what is asked anyway.
type health struct {
	// Set by New, then read-only.
	log *slog.Logger

	// All guarded by mu.
	mu         sync.Mutex
	failing    time.Time // Since when; zero while it answers.
	down       bool      // Failing for longer than grace.
	err        error     // The last failure.
	up         time.Time // When it last came back.
	duplicates time.Time // When another process was last seen with our node ID.
}

// errUndecided: the Store refuses every write for another that it never does.
var errUndecided = errors.New("writes are not decided")

// read takes the result of a read, which says nothing of whether the Store can write:
// most of it may be lost.
func (h *health) read(err error) {
	if err != nil && !errors.Is(err, ErrNotFound) {
		h.report(err)
	}
}

// report takes the result of a write. That it lost against another is no result: one
// that lost its quorum says so, too, of a write that it did not finish.
func (h *health) report(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, ErrConflict) { // We gave up, not the Store.
		return
	}
	answered := err == nil || errors.Is(err, ErrNotFound)
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if answered {
		h.answeredLocked(now)
		return
	}
	h.err = err
	if h.failing.IsZero() {
		h.failing = now
	}
	if !h.down && now.Sub(h.failing) >= grace {
		h.down = true
		h.log.Warn("directory does not answer", "error", err)
	}
}

func (h *health) answeredLocked(now time.Time) {
	switch {
	case h.failing.IsZero():
		return
	case h.down:
		h.log.Info("directory answers", "away", now.Sub(h.failing))
	}
	h.failing, h.down, h.err, h.up = time.Time{}, false, nil, now
}

// isDown tells whether asking is of no use.
func (h *health) isDown() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.down
}

// floor is since when silence means something; false while it means nothing.
func (h *health) floor() (time.Time, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.up, h.failing.IsZero()
}

// duplicate notes another process with our node ID.
func (h *health) duplicate(node string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if now.Sub(h.duplicates) > duplicateFor {
		h.log.Error("another process uses this node ID", "node", node)
	}
	h.duplicates = now
}

// verdict is nil when all is well.
func (h *health) verdict() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	switch {
	case h.down:
		return fmt.Errorf("%w since %v: %w", ErrUnavailable, now.Sub(h.failing).Round(time.Second), h.err)
	case !h.duplicates.IsZero() && now.Sub(h.duplicates) < duplicateFor:
		return ErrDuplicateNode
	}
	return nil
}
