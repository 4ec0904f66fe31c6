package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// lease implements Lease. Its record is written by keep alone, once Acquire has
// handed it over.
type lease struct {
	// Set by reserve, then read-only.
	member *Member
	key    string
	lost   chan struct{}
	kicked chan struct{} // One slot: keep has something to do.

	mu       sync.Mutex
	rec      record // Guarded by mu.
	revision uint64 // Guarded by mu. Zero: not in the Store, as far as we know.
	ready    bool   // Guarded by mu. Acquired.
	released bool   // Guarded by mu.
	err      error  // Guarded by mu. Set when lost.
}

// Epoch implements Lease.
func (l *lease) Epoch() uint64 {
	rec, _ := l.current()
	return rec.Epoch
}

// Lost implements Lease.
func (l *lease) Lost() <-chan struct{} { return l.lost }

// Err implements Lease.
func (l *lease) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Hold implements Lease.
func (l *lease) Hold(held bool) {
	l.mu.Lock()
	same := l.rec.Held == held
	l.rec.Held = held
	l.mu.Unlock()
	if !same {
		l.kick()
		l.member.streams.wake()
	}
}

// Release implements Lease.
func (l *lease) Release() {
	l.mu.Lock()
	again := l.released || l.err != nil
	l.released = true
	l.mu.Unlock()
	if !again {
		l.member.forget(l)
		l.kick()
	}
}

func (l *lease) kick() {
	select {
	case l.kicked <- struct{}{}:
	default:
	}
}

// current is the record as it should be in the Store.
func (l *lease) current() (rec record, ready bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rec, l.ready
}

func (l *lease) registered() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.revision != 0
}

func (l *lease) isReleased() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.released
}

func (l *lease) setRevision(revision uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.revision = revision
}

// keep renews the lease until it is released, lost, or ctx ends.
func (l *lease) keep(ctx context.Context) {
	timer := time.NewTimer(jitter(renewEvery))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			l.leave(ctx)
			return
		case <-l.kicked:
		case <-timer.C:
		}
		if l.isReleased() {
			l.leave(ctx)
			return
		}
		if err := l.renew(ctx); err != nil {
			l.lose(err)
			return
		}
		timer.Reset(jitter(renewEvery))
	}
}

// leave removes the record, if it is still ours; else it expires.
func (l *lease) leave(ctx context.Context) {
	l.mu.Lock()
	revision := l.revision
	l.mu.Unlock()
	_ = l.member.del(ctx, Streams, l.key, revision)
}

// renew writes the record once more. An error says that it is another node's
// now; a Store that does not answer is none.
func (l *lease) renew(ctx context.Context) error {
	for range maxTurns {
		l.mu.Lock()
		rec, revision := l.rec, l.revision
		l.mu.Unlock()
		written, err := l.member.put(ctx, Streams, l.key, rec, revision)
		if err == nil {
			l.setRevision(written)
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return nil // What is owned stays owned; see health.
		}
		if err := l.settle(ctx, rec); err != nil {
			return err
		}
	}
	l.member.health.failed(errNotWritten)
	return nil
}

// settle finds out why the revision was wrong: the record expired, the Store
// lost it, a write of ours was done though it seemed to fail, or there is
// another owner. Of two owners the higher epoch wins.
func (l *lease) settle(ctx context.Context, mine record) error {
	e, err := l.member.get(ctx, Streams, l.key)
	if errors.Is(err, ErrNotFound) {
		l.setRevision(0)
		// Somebody may have owned it in between.
		if last, _, ok := l.member.streams.last(l.key); ok && last.beats(mine) {
			return lostTo(last)
		}
		return nil
	}
	if err != nil {
		return nil //nolint:nilerr // The next renewal asks again.
	}
	if other, ok := decodeRecord(l.key, e.Value); ok && other.beats(mine) {
		return lostTo(other)
	}
	l.setRevision(e.Revision)
	return nil
}

func lostTo(other record) error {
	return fmt.Errorf("%w: node %q owns the broadcast", ErrLost, other.Node)
}

// lose ends the lease.
func (l *lease) lose(err error) {
	l.mu.Lock()
	released := l.released
	l.err = err
	l.mu.Unlock()
	if released {
		return
	}
	l.member.forget(l)
	l.member.metrics.lost.Inc()
	l.member.log.Warn("ownership lost", "name", l.rec.Name, "epoch", l.Epoch(), "error", err)
	close(l.lost)
}
