package interop

import (
	"context"
	"errors"
	"fmt"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// subscribeCases are about what a subscription lets pass, and about the ways to a
// track.
var subscribeCases = []Case{
	{
		Name: "filter-largest", About: "Largest Object passes what is behind the location in SUBSCRIBE_OK",
		Within: dataWithin, run: filterLargest,
	},
	{
		Name: "filter-next-group", About: "Next Group Start passes the groups behind the one in SUBSCRIBE_OK",
		Within: dataWithin, run: filterNextGroup,
	},
	{
		Name: "filter-absolute-start", About: "AbsoluteStart passes what is at its start or behind",
		Within: dataWithin, run: filterAbsoluteStart,
	},
	{
		Name: "filter-absolute-range", About: "AbsoluteRange passes its groups, and the subscription ends behind them",
		Within: dataWithin, run: filterAbsoluteRange,
	},
	{
		Name: "forward-off", About: "a subscription with Forward State 0 gets objects only after an update to 1",
		Within: dataWithin, run: forwardOff,
	},
	{
		Name: "forward-on-off", About: "an update to Forward State 0 stops the objects",
		Within: dataWithin, run: forwardOnOff,
	},
	{
		Name: "several-subscribers", About: "several subscribers of a track get the same",
		Within: dataWithin, run: severalSubscribers,
	},
	{
		Name: "track-status", About: "TRACK_STATUS tells the largest location",
		Within: dataWithin, run: trackStatus,
	},
	{
		Name: "publish", About: "a track that comes by PUBLISH can be subscribed to",
		Within: dataWithin, run: publish,
	},
	{
		Name: "subscribe-namespace", About: "who asks for a prefix is told of namespaces under it",
		Within: dataWithin, run: subscribeNamespace,
	},
}

func behind(at relay.Location, list []sent) (out []sent) {
	for _, o := range list {
		if at.Less(relay.Location{Group: o.group, Object: o.object.ID}) {
			out = append(out, o)
		}
	}
	return out
}

// filterLargest has a group under way, and compares with what SUBSCRIBE_OK says:
// a relay may be behind its publisher.
func filterLargest(e *env) error {
	s, err := announced(e)
	if err != nil {
		return err
	}
	s.simple(3, 3)
	l := s.open(4, 3)
	k, err := watch(e, moqt.SubscribeOptions{Filter: &wire.Filter{Type: wire.LargestObject}})
	if err != nil {
		return err
	}
	at, ok := k.sub.Largest()
	if !ok {
		return errors.New("SUBSCRIBE_OK has no Largest Object, though there are some")
	}
	e.note("largest is %v", at)
	l.put(3, 100)
	l.put(4, 100)
	l.end()
	s.simple(5, 2)
	return s.passes(e, k, behind(at, s.sent))
}

// passes waits for what has to come, ends the track, and compares.
func (s *source) passes(e *env, k *sink, want []sent) error {
	s.sent = want
	return s.arrives(e, k)
}

func filterNextGroup(e *env) error {
	s, err := announced(e)
	if err != nil {
		return err
	}
	l := s.open(4, 3)
	k, err := watch(e, moqt.SubscribeOptions{Filter: &wire.Filter{Type: wire.NextGroupStart}})
	if err != nil {
		return err
	}
	at, ok := k.sub.Largest()
	if !ok || at.Group != 4 {
		return fmt.Errorf("SUBSCRIBE_OK says %v is the largest; want one of group 4", at)
	}
	l.put(3, 100)
	l.end()
	s.simple(5, 2)
	s.simple(6, 2)
	return s.passes(e, k, behind(relay.Location{Group: 4, Object: 1 << 60}, s.sent))
}

func filterAbsoluteStart(e *env) error {
	s, k, err := pair(e, moqt.SubscribeOptions{Filter: &wire.Filter{
		Type: wire.AbsoluteStart, Start: relay.Location{Group: 2, Object: 2},
	}})
	if err != nil {
		return err
	}
	for group := range uint64(4) {
		s.simple(group, 4)
	}
	return s.passes(e, k, behind(relay.Location{Group: 2, Object: 1}, s.sent))
}

func filterAbsoluteRange(e *env) error {
	s, k, err := pair(e, moqt.SubscribeOptions{Filter: &wire.Filter{
		Type: wire.AbsoluteRange, Start: relay.Location{Group: 2, Object: 1}, EndGroup: 3,
	}})
	if err != nil {
		return err
	}
	for group := range uint64(6) {
		s.simple(group, 3)
	}
	if err := errors.Join(s.err, k.done(e)); err != nil {
		return err
	}
	var want []sent
	for _, o := range behind(relay.Location{Group: 2}, s.sent) {
		if o.group <= 3 {
			want = append(want, o)
		}
	}
	objects, _ := k.seen()
	return same(received(objects), want)
}

func forwardOff(e *env) error {
	s, k, err := pair(e, moqt.SubscribeOptions{Paused: true})
	if err != nil {
		return err
	}
	s.simple(0, 3)
	s.simple(1, 3)
	if err := e.pause(quiet); err != nil {
		return err
	}
	if objects, _ := k.seen(); len(objects) > 0 {
		return fmt.Errorf("%d objects came", len(objects))
	}
	if err := k.forward(e, true); err != nil {
		return err
	}
	before := len(s.sent)
	s.simple(2, 3)
	return s.passes(e, k, s.sent[before:])
}

func (k *sink) forward(e *env, on bool) error {
	if err := k.sub.Update(e.ctx, moqt.Update{Forward: &on}); err != nil {
		return fmt.Errorf("REQUEST_UPDATE to forward %t: %w", on, err)
	}
	return nil
}

func forwardOnOff(e *env) error {
	s, k, err := pair(e, moqt.SubscribeOptions{})
	if err != nil {
		return err
	}
	s.simple(0, 3)
	if err := k.count(e, 3); err != nil {
		return err
	}
	if err := k.forward(e, false); err != nil {
		return err
	}
	before := len(s.sent)
	s.simple(1, 3)
	if err := e.pause(quiet); err != nil {
		return err
	}
	objects, _ := k.seen()
	return errors.Join(s.err, same(received(objects), s.sent[:before]))
}

func severalSubscribers(e *env) error {
	s, err := announced(e)
	if err != nil {
		return err
	}
	var all []*sink
	for range 3 {
		k, err := watch(e, moqt.SubscribeOptions{})
		if err != nil {
			return err
		}
		all = append(all, k)
	}
	severalSubgroups(s)
	for _, k := range all {
		if err := s.arrives(e, k); err != nil {
			return err
		}
	}
	return nil
}

func trackStatus(e *env) error {
	s, err := announced(e)
	if err != nil {
		return err
	}
	s.open(7, 3)
	k, err := watch(e, moqt.SubscribeOptions{})
	if err != nil {
		return err
	}
	if err := k.count(e, 3); err != nil {
		return err
	}
	status, err := e.clients[len(e.clients)-1].TrackStatus(e.ctx, e.ns, mediaTrack)
	if err != nil {
		return err
	}
	if want := (relay.Location{Group: 7, Object: 2}); status.Largest == nil || *status.Largest != want {
		return fmt.Errorf("largest is %v; want %v", status.Largest, want)
	}
	return s.err
}

// publish offers a track without its namespace.
func publish(e *env) error {
	s, err := newSource(e)
	if err != nil {
		return err
	}
	p, err := s.client.Publish(e.ctx, s.track)
	if err != nil {
		return fmt.Errorf("PUBLISH: %w", err)
	}
	k, err := watch(e, moqt.SubscribeOptions{})
	if err != nil {
		return err
	}
	severalSubgroups(s)
	s.simple(3, 4)
	if err := s.arrives(e, k); err != nil {
		return err
	}
	select {
	case <-p.Done(): // The track has ended.
		e.note("publication: %v", p.Err())
		return nil
	case <-e.ctx.Done():
		return fmt.Errorf("the publication does not end: %w", context.Cause(e.ctx))
	}
}

func subscribeNamespace(e *env) error {
	c, err := e.subscriber()
	if err != nil {
		return err
	}
	changes, err := c.SubscribeNamespace(e.ctx, e.ns)
	if err != nil {
		return fmt.Errorf("SUBSCRIBE_NAMESPACE: %w", err)
	}
	if _, err := announced(e); err != nil {
		return err
	}
	a, err := changes.Next(e.ctx)
	if err != nil {
		return fmt.Errorf("waiting for NAMESPACE: %w", err)
	}
	if !a.Live || a.Namespace != e.ns {
		return fmt.Errorf("told of %+v; want %s", a, e.ns)
	}
	return nil
}
