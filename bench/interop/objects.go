package interop

import (
	"errors"
	"fmt"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
)

// objectCases are about what is kept of objects on their way.
var objectCases = []Case{
	{
		Name: "groups", About: "every object arrives once, as it was published",
		Within: dataWithin, run: delivers(func(s *source) {
			for group := range uint64(4) {
				s.simple(group, 6)
			}
		}),
	},
	{
		Name: "subgroups", About: "subgroups of a group keep their IDs, and objects theirs",
		Within: dataWithin, run: delivers(severalSubgroups),
	},
	{
		Name: "subgroup-of-first-object", About: "a subgroup may have the ID of its first object",
		Within: dataWithin, run: delivers(func(s *source) {
			a, b := s.lane(0, 0, 128, false), s.lane(0, 3, 128, true)
			a.put(0, 50)
			b.put(3, 50)
			b.put(4, 50)
			a.end()
			b.end()
		}),
	},
	{
		Name: "object-gaps", About: "Object IDs that were left out stay left out",
		Within: dataWithin, run: delivers(func(s *source) {
			l := s.lane(5, 0, 128, true)
			for _, id := range []uint64{0, 1, 7, 8, 300} {
				l.put(id, 40)
			}
			l.end()
		}),
	},
	{
		Name: "group-gaps", About: "Group IDs that were left out stay left out",
		Within: dataWithin, run: delivers(func(s *source) {
			for _, group := range []uint64{3, 4, 90, 1 << 40} {
				s.simple(group, 2)
			}
		}),
	},
	{
		Name: "properties", About: "properties arrive as they were sent, unknown ones, too",
		Within: dataWithin, run: delivers(manyProperties),
	},
	{
		Name: "empty-objects", About: "an object without payload is an object",
		Within: dataWithin, run: delivers(func(s *source) {
			l := s.lane(0, 0, 128, true)
			l.put(0, 0)
			l.put(1, 10)
			l.put(2, 0, relay.Property{Type: 0x40, Int: 7})
			l.end()
		}),
	},
	{
		Name: "large-objects", About: "an object of 2 MiB arrives whole",
		Within: dataWithin, run: delivers(func(s *source) {
			l := s.lane(0, 0, 128, true)
			l.put(0, 2<<20)
			l.put(1, 1)
			l.end()
		}),
	},
	{
		Name: "priorities", About: "subgroups keep the publisher's priority",
		Within: dataWithin, run: delivers(func(s *source) {
			for i, priority := range []uint8{0, 1, 127, 255} {
				l := s.lane(0, uint64(i), priority, i == 3)
				l.put(uint64(i), 30)
				l.end()
			}
		}),
	},
	{
		Name: "datagrams", About: "objects that were sent as datagrams arrive as datagrams",
		Within: dataWithin, run: datagrams,
	},
	{
		Name: "mixed-preferences", About: "a track may have objects in datagrams and in subgroups",
		Within: dataWithin, run: mixedPreferences,
	},
}

// delivers makes a case of what a source publishes: all of it has to arrive.
func delivers(publish func(*source)) func(*env) error {
	return func(e *env) error {
		s, err := announced(e)
		if err != nil {
			return err
		}
		k, err := watch(e, moqt.SubscribeOptions{})
		if err != nil {
			return err
		}
		publish(s)
		return s.arrives(e, k)
	}
}

// arrives waits for all that was published, and for what should not come, and
// compares.
func (s *source) arrives(e *env, k *sink) error {
	if s.err != nil {
		return s.err
	}
	if err := k.count(e, len(s.sent)); err != nil {
		objects, _ := k.seen()
		return errors.Join(err, same(received(objects), s.sent))
	}
	s.track.Close(nil)
	if err := e.pause(quiet / 2); err != nil {
		return err
	}
	objects, _ := k.seen()
	return same(received(objects), s.sent)
}

func severalSubgroups(s *source) {
	for group := range uint64(3) {
		lanes := []*lane{s.lane(group, 0, 10, false), s.lane(group, 2, 20, false), s.lane(group, 7, 30, true)}
		for id := range uint64(12) {
			lanes[id%3].put(id, 100)
		}
		for _, l := range lanes {
			l.end()
		}
	}
}

func manyProperties(s *source) {
	lists := [][]relay.Property{
		nil,
		{{Type: 0x38, Int: 0}},
		{{Type: 0x38, Int: 1 << 61}, {Type: 0x39, Bytes: []byte("text")}},
		{{Type: 0x7FFF, Bytes: []byte{}}, {Type: 0x1_0000_0001, Bytes: payload(1, 1, 900)}},
		// Immutable Properties: one within.
		{{Type: 0x0B, Bytes: []byte{0x3A, 0x07}}, {Type: 0x3A, Int: 5}},
	}
	l := s.lane(0, 0, 128, true)
	for id, list := range lists {
		l.put(uint64(id), 20, list...)
	}
	l.end()
}

// mayBeLost is how many datagrams of a case may be lost on the way.
const mayBeLost = 2

// datagrams tolerates some loss, which is their nature.
func datagrams(e *env) error {
	s, err := announced(e)
	if err != nil {
		return err
	}
	k, err := watch(e, moqt.SubscribeOptions{})
	if err != nil {
		return err
	}
	const n = 10
	for id := range uint64(n) {
		if id%3 == 2 {
			s.datagram(id/4, 2*id, 600, relay.Property{Type: 0x3F, Bytes: []byte("p")}, relay.Property{Type: 0x40, Int: id})
		} else {
			s.datagram(id/4, 2*id, int(100*id))
		}
		if err := e.pause(quiet / n); err != nil {
			return err
		}
	}
	if s.err != nil {
		return s.err
	}
	if err := k.count(e, n-mayBeLost); err != nil {
		return err
	}
	if err := e.pause(quiet); err != nil {
		return err
	}
	objects, _ := k.seen()
	return subset(received(objects), s.sent)
}

func mixedPreferences(e *env) error {
	s, err := announced(e)
	if err != nil {
		return err
	}
	k, err := watch(e, moqt.SubscribeOptions{})
	if err != nil {
		return err
	}
	l := s.lane(0, 1, 64, true)
	l.put(0, 300)
	s.datagram(0, 1, 300)
	l.put(2, 300)
	s.datagram(1, 0, 10)
	l.end()
	if s.err != nil {
		return s.err
	}
	if err := k.count(e, len(s.sent)-mayBeLost); err != nil {
		return err
	}
	if err := e.pause(quiet); err != nil {
		return err
	}
	objects, _ := k.seen()
	return subset(received(objects), s.sent)
}

// subset compares where something may be missing.
func subset(got, want []sent) error {
	want = sorted(want)
	for _, g := range got {
		for len(want) > 0 && (want[0].group < g.group || want[0].group == g.group && want[0].object.ID < g.object.ID) {
			want = want[1:]
		}
		if len(want) == 0 {
			return fmt.Errorf("%s came, which was not to", g)
		}
		if err := g.equal(want[0]); err != nil {
			return err
		}
		want = want[1:]
	}
	return nil
}
