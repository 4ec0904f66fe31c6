package srt

import (
	"log/slog"
	"strings"
	"sync"
	"time"

	gosrt "github.com/datarhei/gosrt"
)

// events listens to gosrt's log, the only place where it tells of handshakes
// that it refuses by itself, of packets that it drops, and of why a connection
// ended. It is called by many goroutines, for every packet.
type events struct {
	// Set by newEvents, then read-only.
	log     *slog.Logger
	metrics *metrics

	mu       sync.Mutex
	watched  map[uint32]error // Guarded by mu. By socket id: why it ended, if known.
	told     time.Time        // Guarded by mu. When a bad handshake was last logged.
	withheld int              // Guarded by mu. Bad handshakes not logged since.
}

func newEvents(log *slog.Logger, m *metrics) *events {
	return &events{log: log, metrics: m, watched: make(map[uint32]error)}
}

// watch remembers why the connection ends, from now until unwatch.
func (e *events) watch(socket uint32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watched[socket] = nil
}

// unwatch gives what watch learned; nil when nothing.
func (e *events) unwatch(socket uint32) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	reason := e.watched[socket]
	delete(e.watched, socket)
	return reason
}

func (e *events) ended(socket uint32, reason error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if known, ok := e.watched[socket]; ok && known == nil {
		e.watched[socket] = reason
	}
}

// Print is gosrt's logger. message is built only where its text is needed.
func (e *events) Print(topic string, socket uint32, _ int, message func() string) {
	switch topic {
	case "handshake:recv:error":
		e.handshake("handshake", message())
	case "control:recv:shutdown:dump":
		e.ended(socket, errPeerClosed)
	case "connection:close":
		if strings.HasPrefix(message(), "no more data received") {
			e.ended(socket, errPeerSilent)
		}
	case "connection:error", "listen":
		if text := message(); strings.Contains(text, "queue is full") || strings.Contains(text, "readQueue was blocking") {
			e.metrics.queueDrops.Inc()
		}
	}
}

// malformed tells of a handshake that gosrt's parser could not stand.
func (e *events) malformed(err error) { e.handshake("malformed", err.Error()) }

// handshake tells of a handshake that never became a request. Anybody can send
// such packets at any rate: one line a second, and the count of the rest.
func (e *events) handshake(reason, text string) {
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
	e.log.Warn("srt handshake refused", "reason", reason, "error", text, "withheld", withheld)
}

// HasTopic, Listen and Close complete gosrt.Logger.
func (e *events) HasTopic(string) bool { return true }

// Listen has no channel to give.
func (e *events) Listen() <-chan gosrt.Log { return nil }

// Close has nothing to close.
func (e *events) Close() {}
