package moqt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// subgroupStream reads a subgroup stream of the type t.
// Its turn ends when its group has its place among the track's, so that the groups
// of streams that came later stand behind it.
func (o *outgoing) subgroupStream(st ReceiveStream, t uint64, r *wire.StreamReader, turn *turn) error {
	h, err := r.ReadSubgroupHeader(t)
	if err != nil {
		return err
	}
	if !o.asked() {
		return errUnasked
	}
	ctx, cancel := context.WithTimeout(o.s.ctx, reorderWait)
	defer cancel()
	var sub *Subscription
	err = o.await(ctx, func() bool {
		sub = o.aliases[h.TrackAlias]
		return sub != nil
	})
	if err != nil {
		return fmt.Errorf("stream of the unknown track alias %d: %w", h.TrackAlias, err)
	}
	if sub.into != nil {
		defer sub.streamEnded()
		return sub.into.stream(st, h, r, turn)
	}
	turn.done()
	return sub.readGroup(h, wire.NewSubgroupReader(r, h), r)
}

// readGroup hands out the objects of a subgroup stream.
func (s *Subscription) readGroup(sh wire.SubgroupHeader, objects *wire.SubgroupReader, r io.Reader) error {
	defer s.streamEnded()
	location := relay.Location{Group: sh.Group}
	var buffer *[]byte
	if s.lent {
		buffer = buffers.Get().(*[]byte) //nolint:errcheck // the pool holds nothing else
		defer buffers.Put(buffer)
	}
	for {
		h, err := objects.Next()
		if err != nil {
			end := Object{Location: location, Arrival: time.Now(), End: true, Reset: err}
			if errors.Is(err, io.EOF) {
				end.Reset = nil
			}
			s.hand(end)
			return err
		}
		o, err := readObject(h, r, buffer)
		if err != nil {
			s.hand(Object{Location: h.Location, Arrival: time.Now(), End: true, Reset: err})
			return err
		}
		location = relay.Location{Group: sh.Group, Object: h.Location.Object + 1}
		if h.Status != relay.StatusNormal && !s.statuses {
			continue
		}
		if !s.hand(o) {
			return ErrSessionClosed
		}
	}
}

// buffers are for the payloads of subscriptions that lend them.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// room gives n bytes, in the buffer that is lent unless that is nil.
func room(buffer *[]byte, n int) []byte {
	if buffer == nil {
		return make([]byte, n)
	}
	if cap(*buffer) < n {
		*buffer = make([]byte, n, n+n/4)
	}
	return (*buffer)[:n]
}

// readObject reads the payload behind h, into the buffer unless that is nil.
func readObject(h wire.ObjectHeader, r io.Reader, buffer *[]byte) (Object, error) {
	payload := room(buffer, h.Length)
	if _, err := io.ReadFull(r, payload); err != nil {
		return Object{}, err
	}
	return Object{
		Location:   h.Location,
		Subgroup:   h.Subgroup,
		Datagram:   h.Datagram,
		Priority:   h.Priority,
		Status:     h.Status,
		Properties: h.Properties,
		Payload:    payload,
		Arrival:    time.Now(),
	}, nil
}

// hand gives an object to the application; false when it has left.
func (s *Subscription) hand(o Object) bool {
	if s.onObject != nil {
		select {
		case <-s.left:
			return false
		default:
		}
		s.onObject(o)
		return true
	}
	select {
	case s.queue <- o:
		return true
	case <-s.left:
		return false
	case <-s.s.ctx.Done():
		return false
	}
}
