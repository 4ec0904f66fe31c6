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

// errNotWritten is the failure of a Store that refuses writes for conflicts which are
// none: a leader without its followers knows what it could not commit.
var errNotWritten = errors.New("it answers, but does not write")

// health judges the Store by the writes that are made anyway. Reads prove nothing: a
// replica that has lost the others goes on to answer them.
type health struct {
	// Set by New, then read-only.
	log *slog.Logger

	// All guarded by mu.
	mu         sync.Mutex
	failing    time.Time // Since when; zero while it writes.
	down       bool      // Failing for longer than grace.
	err        error     // The last failure.
	up         time.Time // When it first wrote, or last came back.
	duplicates time.Time // When another process was last seen with our node ID.
}

// wrote takes the result of a write. That of a conflict is open: who lost it asks
// again.
func (h *health) wrote(err error) {
	if errors.Is(err, ErrConflict) {
		return
	}
	if err != nil {
		h.failed(err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if h.down {
		h.log.Info("directory answers", "away", now.Sub(h.failing))
	}
	if h.up.IsZero() || !h.failing.IsZero() {
		h.up = now
	}
	h.failing, h.down, h.err = time.Time{}, false, nil
}

// read takes the result of a read.
func (h *health) read(err error) {
	if err != nil && !errors.Is(err, ErrNotFound) {
		h.failed(err)
	}
}

func (h *health) failed(err error) {
	if errors.Is(err, context.Canceled) { // We gave up, not the Store.
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.err = err
	if h.failing.IsZero() {
		h.failing = now
	}
	if !h.down && now.Sub(h.failing) >= grace {
		h.down = true
		h.log.Warn("directory does not answer", "error", err)
	}
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
	case h.up.IsZero() && !h.down:
		return fmt.Errorf("%w yet", ErrUnavailable)
	case h.down:
		return fmt.Errorf("%w since %v: %w", ErrUnavailable, now.Sub(h.failing).Round(time.Second), h.err)
	case !h.duplicates.IsZero() && now.Sub(h.duplicates) < duplicateFor:
		return ErrDuplicateNode
	}
	return nil
}
