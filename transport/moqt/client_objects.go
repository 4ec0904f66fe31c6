package moqt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// subgroupStream reads a subgroup stream of the type t.
// Its turn ends when its group has its place among the track's, so that the groups
// of streams that came later stand behind it.
func (o *outgoing) subgroupStream(t uint64, st ReceiveStream, r *wire.StreamReader, turn *turn) error {
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
		// From a peer who has fallen silent nothing ends the read, and as long as it
		// lasts nobody else can go on with the subgroup.
		defer context.AfterFunc(sub.wanted, func() { _ = st.SetReadDeadline(time.Now()) })()
		return sub.into.stream(h, r, turn)
	}
	turn.done()
	return sub.readGroup(h, wire.NewSubgroupReader(r, h), r)
}

// readGroup hands out the objects of a subgroup stream.
func (s *Subscription) readGroup(sh wire.SubgroupHeader, objects *wire.SubgroupReader, r io.Reader) error {
	defer s.streamEnded()
	location := relay.Location{Group: sh.Group}
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
		o, err := readObject(h, r)
		if err != nil {
			s.hand(Object{Location: h.Location, Arrival: time.Now(), End: true, Reset: err})
			return err
		}
		location = relay.Location{Group: sh.Group, Object: h.Location.Object + 1}
		if h.Status != relay.StatusNormal {
			continue
		}
		if !s.hand(o) {
			return ErrSessionClosed
		}
	}
}

func readObject(h wire.ObjectHeader, r io.Reader) (Object, error) {
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(r, payload); err != nil {
		return Object{}, err
	}
	return Object{
		Location: h.Location,
		Subgroup: h.Subgroup,
		Priority: h.Priority,
		Payload:  payload,
		Arrival:  time.Now(),

		datagram:   h.Datagram,
		properties: h.Properties,
	}, nil
}

// hand gives an object to the application; false when it has left.
func (s *Subscription) hand(o Object) bool {
	if s.onObject != nil {
		select {
		case <-s.wanted.Done():
			return false
		default:
		}
		s.onObject(o)
		return true
	}
	select {
	case s.queue <- o:
		return true
	case <-s.wanted.Done():
		return false
	case <-s.s.ctx.Done():
		return false
	}
}
