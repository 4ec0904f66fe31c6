package moqt

import (
	"errors"
	"time"
)

// streamWait is how long the stream of a response may take after the publisher has
// ended the request's own: it may still ask somebody else for the objects.
const streamWait = 10 * time.Second

// errStreamLost: the reset of a fetch's stream overtook the header that says whose
// it is.
var errStreamLost = errors.New("the stream of the response was reset before it could be read")

// streamLost notes that a stream ended before it said what it is. It may have been
// that of any fetch that still waits for its own.
func (o *outgoing) streamLost() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range o.fetches {
		f.lostOnce.Do(func() { close(f.lost) })
	}
}

// watch ends the fetch when its stream was lost: the publisher is done with the
// request (draft 18 tells), or a stream was lost that may have been this one, and
// for a while none comes.
func (f *Fetch) watch() {
	replies, lost := f.call.replies, f.lost
	if f.call.st == nil {
		replies = nil
	}
	var wait <-chan time.Time
	for {
		select {
		case _, more := <-replies:
			if !more {
				replies = nil
				wait = time.After(streamWait)
			}
		case <-lost:
			lost = nil
		case <-wait:
			f.finish(errStreamLost)
			return
		case <-f.begun:
			return
		case <-f.done:
			return
		case <-f.call.s.ctx.Done():
			return
		}
		if replies == nil && lost == nil {
			wait = time.After(reorderWait)
		}
	}
}
