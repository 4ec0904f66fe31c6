package moqt

import "github.com/freshet-live/freshet/transport/moqt/wire"

// maxIDGap bounds how far Request IDs may run ahead of one that is missing.
const maxIDGap = 1024

// idTracker checks the peer's Request IDs ("Request ID"). They rise by two, but
// come on many streams, so one may arrive before its predecessor. In draft 16,
// too: SUBSCRIBE_NAMESPACE travels beside the control stream.
type idTracker struct {
	parity uint64
	max    uint64 // Exclusive limit of draft 16; zero for none.
	next   uint64 // All IDs below were seen.
	ahead  map[uint64]struct{}
	top    uint64 // One step above the highest seen.
}

func (t *idTracker) take(id uint64) error {
	switch {
	case id%2 != t.parity:
		return &wire.Error{Code: wire.InvalidRequestID, Reason: "Request ID of the wrong side"}
	case t.max != 0 && id >= t.max:
		return &wire.Error{Code: wire.TooManyRequests, Reason: "Request ID beyond the limit"}
	case t.seen(id):
		return &wire.Error{Code: wire.InvalidRequestID, Reason: "Request ID used twice"}
	case id-t.next > 2*maxIDGap:
		return &wire.Error{Code: wire.InvalidRequestID, Reason: "Request ID out of sequence"}
	}
	t.top = max(t.top, id+2)
	if id != t.next {
		if t.ahead == nil {
			t.ahead = make(map[uint64]struct{})
		}
		t.ahead[id] = struct{}{}
		return nil
	}
	for t.next += 2; ; t.next += 2 {
		if _, ok := t.ahead[t.next]; !ok {
			return nil
		}
		delete(t.ahead, t.next)
	}
}

func (t *idTracker) seen(id uint64) bool {
	if id < t.next {
		return true
	}
	_, ok := t.ahead[id]
	return ok
}

// highest is one step above the highest ID seen.
func (t *idTracker) highest() uint64 { return max(t.top, t.parity) }
