package interop

import (
	"errors"
	"fmt"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
)

// endCases are about how subgroups, groups and tracks end.
var endCases = []Case{
	{
		Name: "end-of-group", About: "the status End of Group arrives where it was sent",
		Within: dataWithin, run: delivers(func(s *source) {
			l := s.lane(0, 0, 128, true)
			l.put(0, 30)
			l.put(1, 30)
			l.status(2, relay.StatusEndOfGroup)
			l.end()
			s.simple(1, 1)
		}),
	},
	{
		Name: "end-of-track", About: "the status End of Track arrives where it was sent",
		Within: dataWithin, run: delivers(func(s *source) {
			l := s.lane(4, 0, 128, true)
			l.put(0, 30)
			l.status(1, relay.StatusEndOfTrack)
			l.end()
		}),
	},
	{
		Name: "fin", About: "a subgroup that is complete ends with FIN",
		Within: dataWithin, run: fin,
	},
	{
		Name: "reset", About: "a subgroup that its publisher resets is reset, and nothing is made up",
		Within: dataWithin, run: reset,
	},
	{
		Name: "reset-in-an-object", About: "an object that breaks off is not delivered",
		Within: dataWithin, run: resetInObject,
	},
	{
		Name: "publish-done", About: "the end of a track is told with PUBLISH_DONE",
		Within: doneWithin, run: publishDone,
	},
	{
		Name: "publisher-lost", About: "what was delivered stays as it is when the publisher is lost",
		Within: dataWithin, run: publisherLost,
	},
}

// doneWithin lets each of several relays wait a while for the publisher to turn up
// elsewhere.
const doneWithin = 20 * time.Second

func publishDone(e *env) error {
	s, k, err := pair(e, moqt.SubscribeOptions{})
	if err != nil {
		return err
	}
	s.simple(0, 1)
	return errors.Join(s.arrives(e, k), k.done(e))
}

// pair is an announced source and its subscriber.
func pair(e *env, o moqt.SubscribeOptions) (*source, *sink, error) {
	s, err := announced(e)
	if err != nil {
		return nil, nil, err
	}
	k, err := watch(e, o)
	return s, k, err
}

func fin(e *env) error {
	s, k, err := pair(e, moqt.SubscribeOptions{})
	if err != nil {
		return err
	}
	severalSubgroups(s)
	if err := k.await(e, "9 streams' ends", func(_, ends []moqt.Object) bool { return len(ends) >= 9 }); err != nil {
		return err
	}
	_, ends := k.seen()
	for _, end := range ends {
		if end.Reset != nil {
			return fmt.Errorf("a stream of group %d: %w", end.Location.Group, end.Reset)
		}
	}
	return s.err
}

// reset gives a subgroup up when the subscriber has two of its objects. Its
// neighbour is not concerned.
func reset(e *env) error {
	s, k, err := pair(e, moqt.SubscribeOptions{})
	if err != nil {
		return err
	}
	cut, whole := s.lane(0, 0, 128, false), s.lane(0, 1, 128, true)
	cut.put(0, 100)
	whole.put(1, 100)
	cut.put(2, 100)
	if err := k.count(e, 3); err != nil {
		return err
	}
	cut.reset()
	whole.put(5, 100)
	whole.end()
	s.simple(1, 1)
	if err := s.arrives(e, k); err != nil {
		return err
	}
	return wantOneReset(k)
}

// wantOneReset checks that one stream was reset and no other.
func wantOneReset(k *sink) error {
	_, ends := k.seen()
	n := 0
	for _, end := range ends {
		if end.Reset != nil {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("%d of %d streams were reset; want 1", n, len(ends))
	}
	return nil
}

// resetInObject breaks off within an object's payload.
func resetInObject(e *env) error {
	s, k, err := pair(e, moqt.SubscribeOptions{})
	if err != nil {
		return err
	}
	l := s.lane(0, 0, 128, true)
	l.put(0, 100)
	if s.err != nil {
		return s.err
	}
	const size = 200 << 10
	rest, err := l.to.Open(relay.Object{ID: 1, Priority: 128, Size: size, Complete: time.Now()})
	if err != nil {
		return err
	}
	if _, err := rest.Write(payload(0, 1, size/2)); err != nil {
		return err
	}
	if err := k.count(e, 1); err != nil {
		return err
	}
	rest.Abort()
	l.reset()
	s.simple(1, 2)
	if err := s.arrives(e, k); err != nil {
		return err
	}
	return wantOneReset(k)
}

// publisherLost cuts the publisher off in the middle of a group.
func publisherLost(e *env) error {
	s, k, err := pair(e, moqt.SubscribeOptions{})
	if err != nil {
		return err
	}
	s.simple(0, 3)
	l := s.lane(1, 0, 128, true)
	l.put(0, 100)
	l.put(1, 100)
	if err := errors.Join(s.err, k.count(e, 5)); err != nil {
		return err
	}
	if err := s.client.Close(); err != nil {
		return err
	}
	if err := e.pause(quiet); err != nil {
		return err
	}
	objects, ends := k.seen()
	for _, end := range ends {
		if end.Reset == nil && end.Location.Group == 1 {
			return errors.New("the stream of a group that is not complete ended with FIN")
		}
	}
	return same(received(objects), s.sent)
}
