package moqt

import (
	"errors"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// receiveDatagrams takes in the objects that come as datagrams. One for a
// subscription that is not known, yet or any more, is dropped as the network might
// have dropped it ("Datagrams").
func (s *session) receiveDatagrams() {
	for {
		b, err := s.conn.ReceiveDatagram(s.ctx)
		if err != nil {
			// The session's end shows elsewhere; a transport without datagrams
			// serves all the rest.
			return
		}
		if err := s.outgoing.datagram(b); err != nil {
			s.fail(err)
			return
		}
	}
}

// datagram hands a datagram to its subscription. The error is a fault of the peer.
func (o *outgoing) datagram(b []byte) error {
	d, err := o.s.d.ParseDatagram(b)
	if err != nil {
		return err
	}
	o.mu.Lock()
	sub := o.aliases[d.TrackAlias]
	o.mu.Unlock()
	if sub == nil {
		return nil
	}
	if sub.into == nil {
		sub.handDatagram(&d)
		return nil
	}
	if err := sub.into.datagram(&d); errors.Is(err, relay.ErrMalformed) {
		sub.leave(err)
	}
	return nil
}

// handDatagram gives an object to the application, if it takes one now.
func (s *Subscription) handDatagram(d *wire.Datagram) {
	h := &d.Header
	if h.Status != relay.StatusNormal && !s.statuses {
		return
	}
	o := Object{
		Location: h.Location, Datagram: true, Priority: h.Priority, Status: h.Status,
		Properties: h.Properties, Payload: append([]byte(nil), d.Payload...), Arrival: time.Now(),
	}
	if s.onObject != nil {
		s.hand(o)
		return
	}
	select {
	case s.queue <- o:
	default: // Nobody waits: datagrams are lost sooner than late.
	}
}
