package moqt

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

const (
	// sharedFrom is how many must subscribe to a track for its objects to be framed
	// once for all: below, a frame costs more than the copies it saves.
	sharedFrom = 4
	// framesKept is how many of the newest objects stay framed: viewers who keep up
	// are at one of them.
	framesKept = 4
)

// framing finds the frames of the tracks that are subscribed to. The zero value is
// ready.
type framing struct {
	mu     sync.Mutex
	tracks map[framedTrack]*frames // Guarded by mu.
}

// framedTrack is a track in the words of a draft.
type framedTrack struct {
	track *relay.Track
	d     *wire.Dialect
}

// enter is for a subscription that begins; leave must follow.
func (f *framing) enter(t framedTrack) *frames {
	f.mu.Lock()
	defer f.mu.Unlock()
	shared := f.tracks[t]
	if shared == nil {
		shared = new(frames)
		if f.tracks == nil {
			f.tracks = make(map[framedTrack]*frames)
		}
		f.tracks[t] = shared
	}
	shared.readers.Add(1)
	return shared
}

func (f *framing) leave(t framedTrack) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tracks[t].readers.Add(-1) == 0 {
		delete(f.tracks, t)
	}
}

// frames are a track's newest objects as they go out to all who read it in order:
// headers and payload in one piece, made by the first who sends the object. Before
// the first of a subgroup goes the header of its stream, which holds a Track Alias:
// viewers who made the same requests in the same order have the same.
type frames struct {
	readers atomic.Int32 // Written under framing.mu.
	recent  [framesKept]atomic.Pointer[frame]
}

// frame is immutable.
type frame struct {
	payload  *byte // Tells the object, with bytes that tell its headers.
	complete time.Time
	bytes    []byte
}

// of gives the frame of the whole object at an index of its group; header is what
// goes before the payload. It is nil when the object is not worth sharing, or goes to
// the others with another header.
func (f *frames) of(index int, o *relay.Object, header []byte) []byte {
	if f.readers.Load() < sharedFrom || len(o.Payload) == 0 {
		return nil
	}
	slot := &f.recent[index%framesKept]
	kept := slot.Load()
	switch {
	case kept == nil:
	case kept.payload == &o.Payload[0]:
		if len(kept.bytes) == len(header)+len(o.Payload) && bytes.HasPrefix(kept.bytes, header) {
			return kept.bytes
		}
		return nil
	case kept.complete.After(o.Complete):
		return nil // Who reads the past shares it with nobody.
	}
	b := make([]byte, 0, len(header)+len(o.Payload))
	made := &frame{payload: &o.Payload[0], complete: o.Complete, bytes: append(append(b, header...), o.Payload...)}
	if !slot.CompareAndSwap(kept, made) {
		return f.of(index, o, header) // Somebody else was faster, and theirs is as good.
	}
	return made.bytes
}
