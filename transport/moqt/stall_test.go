package moqt

import (
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// stuckStream takes nothing until it is told to, or its deadline has passed.
type stuckStream struct {
	SendStream
	takes    chan struct{}
	deadline chan time.Time // The newest.
	writes   atomic.Int32
}

func newStuckStream() *stuckStream {
	return &stuckStream{takes: make(chan struct{}, 1), deadline: make(chan time.Time, 1)}
}

func (s *stuckStream) SetWriteDeadline(t time.Time) error {
	select {
	case <-s.deadline:
	default:
	}
	s.deadline <- t
	return nil
}

func (s *stuckStream) Write(b []byte) (int, error) {
	s.writes.Add(1)
	for {
		select {
		case <-s.takes:
			return len(b), nil
		case t := <-s.deadline:
			if !t.IsZero() && !t.After(time.Now()) {
				s.deadline <- t
				return 0, os.ErrDeadlineExceeded
			}
		}
	}
}

func TestStallsEndWhatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := &stalls{limit: 2 * time.Second}
		var w, other stall
		all.enter(&w)
		all.enter(&other)
		time.Sleep(time.Hour) // Who writes nothing is left alone.
		for range 2 {
			st := newStuckStream()
			began := time.Now()
			w.begin(st)
			_, err := st.Write(nil)
			w.end()
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the write ended with %v", err)
			}
			if took := time.Since(began); took < all.limit || took > all.limit+all.period() {
				t.Errorf("the write ended after %v", took)
			}
		}
		all.leave(&w)
		all.leave(&other)
		all.enter(&w) // The timer runs again.
		st := newStuckStream()
		w.begin(st)
		if _, err := st.Write(nil); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the write ended with %v", err)
		}
		w.end()
		all.leave(&w)
	})
}

// A write that was done before the deadline that was to end it leaves the stream
// without one.
func TestStallThatCameTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w stall
		st := newStuckStream()
		w.begin(st)
		w.expire(time.Now())
		w.end()
		go func() { time.Sleep(time.Minute); st.takes <- struct{}{} }()
		w.begin(st)
		if _, err := st.Write([]byte("next")); err != nil {
			t.Errorf("the next write ended with %v", err)
		}
		w.end()
	})
}
