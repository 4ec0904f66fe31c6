package moqt

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// dripping is a stream whose bytes come packet by packet.
type dripping struct {
	packets chan []byte
	end     error // What is read behind the last packet.

	mu       sync.Mutex
	rest     []byte
	deadline time.Time
}

func drip(end error, every time.Duration, packets ...string) *dripping {
	s := &dripping{packets: make(chan []byte), end: end}
	go func() {
		defer close(s.packets)
		for i, p := range packets {
			if i > 0 {
				time.Sleep(every)
			}
			s.packets <- []byte(p)
		}
	}()
	return s
}

func (s *dripping) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rest) == 0 {
		var late <-chan time.Time
		if !s.deadline.IsZero() {
			late = time.After(time.Until(s.deadline))
		}
		select {
		case p, ok := <-s.packets:
			if !ok {
				return 0, s.end
			}
			s.rest = p
		case <-late:
			return 0, os.ErrDeadlineExceeded
		}
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *dripping) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	return nil
}

func (s *dripping) CancelRead(uint64) {}

// pieceAfter is what read gave, and when.
type pieceAfter struct {
	size  int
	after time.Duration
}

// readAll reads n bytes as an object's.
func readAll(t *testing.T, st *dripping, room, n int) (pieces []pieceAfter, whole []byte, err error) {
	t.Helper()
	f := subgroupFill{st: st, r: wire.Draft18.NewStreamReader(st)}
	buf, began := make([]byte, room), time.Now()
	for len(whole) < n {
		piece, err := f.read(buf, n-len(whole))
		if err != nil {
			return pieces, whole, err
		}
		pieces = append(pieces, pieceAfter{len(piece), time.Since(began)})
		whole = append(whole, piece...)
	}
	return pieces, whole, nil
}

func TestPacketsOfAnObjectAreGathered(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		every time.Duration
		room  int
		want  []pieceAfter
	}{
		"at once":                   {0, 64, []pieceAfter{{12, 0}}},
		"within a moment":           {ms / 2, 64, []pieceAfter{{12, ms}}},
		"slower than is waited":     {5 * ms, 64, []pieceAfter{{4, 2 * ms}, {4, 7 * ms}, {4, 10 * ms}}},
		"more than fits in at once": {0, 8, []pieceAfter{{8, 0}, {4, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pieces, whole, err := readAll(t, drip(io.EOF, c.every, "abcd", "efgh", "ijkl"), c.room, 12)
				if err != nil || string(whole) != "abcdefghijkl" {
					t.Fatalf("read %q, %v", whole, err)
				}
				if len(pieces) != len(c.want) {
					t.Fatalf("got %v, want %v", pieces, c.want)
				}
				for i := range pieces {
					if pieces[i] != c.want[i] {
						t.Fatalf("got %v, want %v", pieces, c.want)
					}
				}
			})
		})
	}
}

// What came before the end of a stream is not lost with it, and the deadline of
// gathering is not taken for an end.
func TestStreamEndsWhileGathering(t *testing.T) {
	gone := errors.New("gone")
	for end, named := range map[error]func(error) bool{
		gone:   func(err error) bool { return errors.Is(err, gone) },
		io.EOF: func(err error) bool { _, ok := errors.AsType[*wire.Error](err); return ok },
	} {
		synctest.Test(t, func(t *testing.T) {
			_, whole, err := readAll(t, drip(end, 10*time.Millisecond, "abcd", "efgh"), 64, 12)
			if !bytes.Equal(whole, []byte("abcdefgh")) {
				t.Errorf("%q before %v", whole, end)
			}
			if !named(err) {
				t.Errorf("got %v for %v", err, end)
			}
		})
	}
}
