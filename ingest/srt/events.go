package srt

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	engine "github.com/freshet-live/freshet/transport/srt"
)

// events tells of handshakes that never became a request.
type events struct {
	// Set by newEvents, then read-only.
	log     *slog.Logger
	metrics *metrics

	mu       sync.Mutex
	told     time.Time // Guarded by mu. When a bad handshake was last logged.
	withheld int       // Guarded by mu. Bad handshakes not logged since.
}

func newEvents(log *slog.Logger, m *metrics) *events {
	return &events{log: log, metrics: m}
}

// refused counts a handshake that the engine refused by itself. Anybody can send
// such packets at any rate: one line a second, and the count of the rest.
func (e *events) refused(r engine.Refusal) {
	reason := "handshake"
	if errors.Is(r.Err, engine.ErrMalformed) {
		reason = "malformed"
	}
	e.metrics.rejected.WithLabelValues(reason).Inc()
	e.mu.Lock()
	now := time.Now()
	if now.Sub(e.told) < time.Second {
		e.withheld++
		e.mu.Unlock()
		return
	}
	withheld := e.withheld
	e.told, e.withheld = now, 0
	e.mu.Unlock()
	e.log.Warn("srt handshake refused", "remote", r.Remote.String(), "reason", reason, "error", r.Err, "withheld", withheld)
}
