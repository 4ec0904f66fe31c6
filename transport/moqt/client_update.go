package moqt

import (
	"context"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Update changes a subscription; a nil field leaves things as they are.
type Update struct {
	Filter   *wire.Filter
	Priority *uint8
	Forward  *bool
}

// Update changes the subscription and returns when the publisher has agreed.
func (s *Subscription) Update(ctx context.Context, u Update) error {
	m := &wire.RequestUpdate{ExistingID: s.call.id}
	m.Params.Filter, m.Params.SubscriberPriority = u.Filter, u.Priority
	if u.Forward != nil {
		m.Params.Forward = new(uint8)
		if *u.Forward {
			*m.Params.Forward = 1
		}
	}
	if s.call.st == nil {
		cl, err := s.s.call(ctx, m)
		if err != nil {
			return err
		}
		defer cl.cancel()
		_, err = cl.await(ctx)
		return err
	}
	return s.update18(ctx, m)
}

// update18 sends an update on the request's own stream, where its answer comes.
func (s *Subscription) update18(ctx context.Context, m *wire.RequestUpdate) error {
	id, err := s.s.outgoing.takeID(ctx)
	if err != nil {
		return err
	}
	m.RequestID = id
	if err := s.call.w.write(m); err != nil {
		return err
	}
	select {
	case answer := <-s.acks:
		if e, ok := answer.(*wire.RequestError); ok {
			return refusal(e)
		}
		return nil
	case <-s.done:
		return s.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
