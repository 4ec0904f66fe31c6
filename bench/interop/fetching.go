package interop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// fetchCases are about the past.
var fetchCases = []Case{
	{
		Name: "fetch-range", About: "FETCH brings a range, its ends among it, in order",
		Within: dataWithin, run: fetches(relay.Location{Group: 1, Object: 2}, relay.Location{Group: 3, Object: 3}, moqt.FetchOptions{}),
	},
	{
		Name: "fetch-groups", About: "FETCH brings whole groups",
		Within: dataWithin, run: fetches(relay.Location{Group: 1}, relay.Location{Group: 2}, moqt.FetchOptions{}),
	},
	{
		Name: "fetch-descending", About: "FETCH in descending order brings the newest group first",
		Within: dataWithin, run: fetches(relay.Location{}, relay.Location{Group: 3}, moqt.FetchOptions{Descending: true}),
	},
	{
		Name: "fetch-single", About: "FETCH brings a single object",
		Within: dataWithin, run: fetches(relay.Location{Group: 2, Object: 1}, relay.Location{Group: 2, Object: 2}, moqt.FetchOptions{}),
	},
	{
		Name: "fetch-future", About: "FETCH of what was not published gets REQUEST_ERROR",
		Within: dataWithin, run: fetchFuture,
	},
	{
		Name: "join-relative", About: "a relative joining FETCH brings what is before the subscription, each object once",
		Within: dataWithin, run: joins(func(e *env, c *moqt.Client, k *sink) (*moqt.Fetch, error) {
			return c.JoinRelative(e.ctx, k.sub, 1, moqt.FetchOptions{})
		}),
	},
	{
		Name: "join-absolute", About: "an absolute joining FETCH brings what is before the subscription, each object once",
		Within: dataWithin, run: joins(func(e *env, c *moqt.Client, k *sink) (*moqt.Fetch, error) {
			return c.JoinAbsolute(e.ctx, k.sub, 2, moqt.FetchOptions{})
		}),
	},
}

// history publishes groups 0 to 3 with all that objects can have, the last one open.
func history(s *source) *lane {
	s.simple(0, 3)
	a, b := s.lane(1, 0, 10, false), s.lane(1, 4, 20, true)
	for id := range uint64(6) {
		a.put(2*id, 100, relay.Property{Type: 0x3E, Int: id})
		b.put(2*id+1, 100)
	}
	s.datagram(1, 40, 100)
	a.end()
	b.end()
	l := s.lane(2, 0, 30, true)
	for _, id := range []uint64{0, 1, 5, 9} {
		l.put(id, 5000)
	}
	l.end()
	return s.open(3, 2)
}

// fetches makes a case of a range. end is exclusive in Object, zero for all of its
// group.
func fetches(start, end relay.Location, o moqt.FetchOptions) func(*env) error {
	return func(e *env) error {
		s, err := announced(e)
		if err != nil {
			return err
		}
		history(s)
		if s.err != nil {
			return s.err
		}
		c, err := e.subscriber()
		if err != nil {
			return fmt.Errorf("subscriber: %w", err)
		}
		for {
			err := fetchOnce(e, c, start, end, o, within(s.sent, start, end))
			if err == nil {
				return nil
			}
			// What was published a moment ago may still be on its way to the relay:
			// what it says at last counts.
			select {
			case <-e.ctx.Done():
				return err
			case <-time.After(fetchAgain):
			}
		}
	}
}

// fetchAgain is the pause before a response that lacks something is asked for again.
const fetchAgain = 200 * time.Millisecond

func fetchOnce(e *env, c *moqt.Client, start, end relay.Location, o moqt.FetchOptions, want []sent) error {
	f, err := insist(e, func(ctx context.Context) (*moqt.Fetch, error) {
		return c.Fetch(ctx, e.ns, mediaTrack, start, end, o)
	})
	if err != nil {
		return fmt.Errorf("FETCH: %w", err)
	}
	got, err := drain(e, f)
	if err != nil {
		return err
	}
	if err := inOrder(got, o.Descending); err != nil {
		return err
	}
	return same(received(got), want)
}

// within are the objects of a range as FETCH has it.
func within(list []sent, start, end relay.Location) (out []sent) {
	for _, o := range list {
		at := relay.Location{Group: o.group, Object: o.object.ID}
		if at.Less(start) || o.group > end.Group || o.group == end.Group && end.Object > 0 && o.object.ID >= end.Object {
			continue
		}
		out = append(out, o)
	}
	return out
}

func drain(e *env, f *moqt.Fetch) ([]moqt.Object, error) {
	var all []moqt.Object
	for {
		o, err := f.Next(e.ctx)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, fmt.Errorf("FETCH after %d objects: %w", len(all), err)
		}
		all = append(all, o)
	}
}

// inOrder checks the order of a response: groups as asked for, objects rising.
func inOrder(list []moqt.Object, descending bool) error {
	ordered := slices.IsSortedFunc(list, func(a, b moqt.Object) int {
		switch {
		case a.Location == b.Location:
			return 0
		case a.Location.Group == b.Location.Group || !descending:
			if a.Location.Less(b.Location) {
				return -1
			}
			return 1
		case a.Location.Group > b.Location.Group:
			return -1
		}
		return 1
	})
	if !ordered {
		return errors.New("objects are not in order")
	}
	return nil
}

func fetchFuture(e *env) error {
	s, k, err := pair(e, moqt.SubscribeOptions{})
	if err != nil {
		return err
	}
	s.open(3, 2)
	if err := errors.Join(s.err, k.count(e, 2)); err != nil {
		return err
	}
	c := e.clients[len(e.clients)-1]
	_, err = c.Fetch(e.ctx, e.ns, mediaTrack, relay.Location{Group: 50}, relay.Location{Group: 51}, moqt.FetchOptions{})
	if err == nil {
		return errors.New("received FETCH_OK")
	}
	return wantRefused(e, err)
}

// joins makes a case of a joining fetch from group 2 on, while group 3 goes on.
func joins(join func(*env, *moqt.Client, *sink) (*moqt.Fetch, error)) func(*env) error {
	return func(e *env) error {
		s, err := announced(e)
		if err != nil {
			return err
		}
		l := history(s)
		if s.err != nil {
			return s.err
		}
		c, err := e.subscriber()
		if err != nil {
			return fmt.Errorf("subscriber: %w", err)
		}
		k, err := follow(e, c, moqt.SubscribeOptions{Filter: &wire.Filter{Type: wire.LargestObject}})
		if err != nil {
			return err
		}
		at, _ := k.sub.Largest()
		e.note("largest is %v", at)
		f, err := join(e, c, k)
		if err != nil {
			return fmt.Errorf("joining FETCH: %w", err)
		}
		past, err := drain(e, f)
		if err != nil {
			return err
		}
		for _, o := range past {
			if at.Less(o.Location) {
				return fmt.Errorf("the fetch brought %v, which is behind the largest object, %v", o.Location, at)
			}
		}
		l.put(2, 100)
		l.put(3, 100)
		l.end()
		if err := errors.Join(s.err, k.count(e, len(behind(at, s.sent)))); err != nil {
			return err
		}
		live, _ := k.seen()
		return same(received(slices.Concat(past, live)), within(s.sent, relay.Location{Group: 2}, relay.Location{Group: 100}))
	}
}
