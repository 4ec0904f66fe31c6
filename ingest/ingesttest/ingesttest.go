// Package ingesttest is what tests of doors and gateways share: a log that shows when
// the test fails, and parts that run until it ends.
package ingesttest

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
)

// Log is a log that a test reads while others write. The zero value is empty.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer // Guarded by mu.
}

// Write appends; p is not retained.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is what was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Logger writes everything to the log.
func (l *Log) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Run works a part until the test ends, or stop is called; then what closes goes on.
// A part that fails fails the test, and its log is shown.
func Run(tb testing.TB, log *Log, part func(context.Context) error, closes ...func()) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("Run: %v", err)
		}
		for _, c := range closes {
			c()
		}
	})
	tb.Cleanup(func() {
		stop()
		if tb.Failed() {
			tb.Log(log.String())
		}
	})
	return stop
}
