package wtconn

import (
	"testing"
	"time"

	"github.com/quic-go/webtransport-go"
)

// deadlines is a stream that knows the last deadline it was given.
type deadlines struct{ last time.Time }

func (*deadlines) Read([]byte) (int, error)                { return 0, nil }
func (*deadlines) CancelRead(webtransport.StreamErrorCode) {}
func (d *deadlines) SetReadDeadline(t time.Time) error     { d.last = t; return nil }

// Who sets deadlines while somebody else cancels does not make a Read wait again.
func TestDeadlineAfterCancelRead(t *testing.T) {
	var d deadlines
	s := receiveStream{s: &d}
	later := time.Now().Add(time.Hour)
	if err := s.SetReadDeadline(later); err != nil || !d.last.Equal(later) {
		t.Fatalf("deadline %v, %v", d.last, err)
	}
	s.CancelRead(1)
	if err := s.SetReadDeadline(time.Time{}); err != nil || d.last.IsZero() || d.last.After(time.Now()) {
		t.Errorf("deadline %v after cancelling, %v", d.last, err)
	}
}
