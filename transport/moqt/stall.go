package moqt

import (
	"sync"
	"time"
)

// stallsLooked is how often in MaxLag writers are looked at.
const stallsLooked = 16

// stalls ends writes of subscriptions that take longer than limit. A deadline for each
// write would have QUIC make, arm and disarm a timer, for each object and viewer; here
// one timer looks at all writers, some times within the limit. The zero value with a
// limit is ready; the timer runs while there are writers.
type stalls struct {
	limit time.Duration

	mu      sync.Mutex
	writers map[*stall]struct{} // Guarded by mu.
	timer   *time.Timer         // Guarded by mu.
}

// stall is one writer, who writes to one stream at a time.
type stall struct {
	mu      sync.Mutex
	stream  SendStream // Guarded by mu. What is written to; nil between writes.
	began   time.Time  // Guarded by mu. When it was begun.
	expired bool       // Guarded by mu. The stream was given a deadline in the past.
}

// enter is for a writer who begins; leave must follow.
func (s *stalls) enter(w *stall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writers == nil {
		s.writers = make(map[*stall]struct{})
	}
	s.writers[w] = struct{}{}
	if len(s.writers) > 1 {
		return // The timer runs.
	}
	if s.timer == nil {
		s.timer = time.AfterFunc(s.period(), s.look)
		return
	}
	s.timer.Reset(s.period())
}

func (s *stalls) leave(w *stall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.writers, w)
	if len(s.writers) == 0 {
		s.timer.Stop()
	}
}

func (s *stalls) period() time.Duration { return max(s.limit/stallsLooked, time.Millisecond) }

// look ends the writes that are due.
func (s *stalls) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.writers) == 0 {
		return
	}
	due := time.Now().Add(-s.limit)
	for w := range s.writers {
		w.expire(due)
	}
	s.timer.Reset(s.period())
}

// expire ends a write that was begun at due or before.
func (w *stall) expire(due time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stream == nil || w.expired || w.began.After(due) {
		return
	}
	w.expired = true
	_ = w.stream.SetWriteDeadline(time.Unix(1, 0))
}

// begin is for a write to st; end must follow.
func (w *stall) begin(st SendStream) {
	now := time.Now()
	w.mu.Lock()
	w.stream, w.began = st, now
	w.mu.Unlock()
}

// end takes back the deadline that came too late to end the write.
func (w *stall) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.expired {
		w.expired = false
		_ = w.stream.SetWriteDeadline(time.Time{})
	}
	w.stream = nil
}
