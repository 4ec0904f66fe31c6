package encoders

import (
	"time"

	"github.com/freshet-live/freshet/ingest/mpegts"
)

const packetSize = 188

// Source gives transport packets in their order, for ever.
type Source interface {
	// Due is when the next ones are to be sent, from the stream's begin.
	Due() time.Duration
	// Take gives them, of which the first is sent at a time not before Due. They are
	// valid until the next call.
	Take(at time.Duration) []byte
}

// clip is a Source that repeats a transport stream; its clocks go on.
type clip struct {
	looper *mpegts.Looper
	next   []byte
	due    time.Duration
}

// NewClip makes a Source of a transport stream, whose error is mpegts.ErrClip when it
// cannot be repeated.
func NewClip(ts []byte) (Source, error) {
	looper, err := mpegts.NewLooper(ts)
	if err != nil {
		return nil, err
	}
	c := &clip{looper: looper}
	c.next, c.due = looper.Next()
	return c, nil
}

func (c *clip) Due() time.Duration { return c.due }

func (c *clip) Take(time.Duration) []byte {
	out := append([]byte(nil), c.next...)
	c.next, c.due = c.looper.Next()
	return out
}
