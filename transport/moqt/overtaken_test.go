package moqt_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// script is an upstream of whose tracks some comes late.
type script struct {
	play  func(p player)
	fetch func(start, end relay.Location, emit func(uint64, relay.Object) error) error
	asked []string // In a bubble, one goroutine at a time.
}

func (s *script) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	accepted(relay.TrackConfig{Window: time.Minute, Started: &relay.Location{}})
	s.run(ctx, player{t: t})
	<-ctx.Done()
	return context.Cause(ctx)
}

// run plays, though the track may end meanwhile, as it does where a test fails.
func (s *script) run(ctx context.Context, p player) {
	defer func() {
		if broken := recover(); broken != nil && ctx.Err() == nil {
			panic(broken)
		}
	}()
	s.play(p)
}

func (s *script) Fetch(_ context.Context, _ *relay.Track, start, end relay.Location, emit func(uint64, relay.Object) error) error {
	s.asked = append(s.asked, fmt.Sprintf("%d/%d to %d/%d", start.Group, start.Object, end.Group, end.Object))
	if s.fetch == nil {
		return &moqt.RequestError{Code: wire.RequestNotSupported}
	}
	return s.fetch(start, end, emit)
}

// player fills a track.
type player struct{ t *relay.Track }

func (p player) group(id uint64) *relay.Group {
	g, err := p.t.OpenGroup(id)
	if err != nil {
		panic(err)
	}
	return g
}

// subgroup puts objects into a subgroup, which is left open.
func (p player) subgroup(group, id uint64, last bool, objects ...uint64) *relay.Subgroup {
	s, err := p.group(group).OpenSubgroup(relay.SubgroupConfig{ID: id, Last: last})
	for _, object := range objects {
		err = cmp.Or(err, s.Insert(named(group, object)))
	}
	if err != nil {
		panic(err)
	}
	return s
}

func (p player) datagram(group, id uint64) {
	o := named(group, id)
	o.Datagram = true
	if err := p.group(group).Insert(o); err != nil {
		panic(err)
	}
}

func named(group, id uint64) relay.Object {
	return relay.Object{ID: id, Payload: fmt.Appendf(nil, "%d/%d", group, id), Complete: time.Now()}
}

// has gives what fetches bring: all objects below 3 of the groups up to a last one,
// but those that are absent.
func has(last uint64, absent ...relay.Location) func(start, end relay.Location, emit func(uint64, relay.Object) error) error {
	return func(start, end relay.Location, emit func(uint64, relay.Object) error) error {
		missing := make(map[relay.Location]bool)
		for _, l := range absent {
			missing[l] = true
		}
		for group := start.Group; group <= min(end.Group, last); group++ {
			for id := range uint64(3) {
				at := relay.Location{Group: group, Object: id}
				if at.Less(start) || group == end.Group && end.Object > 0 && id >= end.Object || missing[at] {
					continue
				}
				if err := emit(group, named(group, id)); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// newScripted is an origin whose track video has begun to come from upstream: all of
// it up to the script's first pause is there.
func newScripted(tb testing.TB, s *script) *origin {
	tb.Helper()
	o := &origin{t: tb, relay: relay.New(relay.Config{})}
	b, err := o.relay.Announce(cam, relay.AnnounceConfig{Upstream: s})
	must(tb, err)
	o.server = moqt.NewServer(moqt.Config{Relay: o.relay})
	d := b.Demand("video")
	_, err = d.Track(ctxFor(tb, time.Minute))
	must(tb, err)
	synctest.Wait()
	tb.Cleanup(func() {
		d.Release()
		b.Close(nil)
		o.relay.Wait()
	})
	return o
}

// several reads several groups at one time, as a subscription does.
func (e *edge) several() *relay.Reader {
	e.t.Helper()
	d := e.cam.Demand("video")
	e.t.Cleanup(d.Release)
	t, err := d.Track(ctxFor(e.t, time.Minute))
	must(e.t, err)
	return t.NewReader(relay.ReaderConfig{Whole: true, Groups: 3})
}

// A relay that takes a track up elsewhere gets the group that comes late there, too: its
// subscription begins behind it.
func TestOvertakenGroupIsResumedAt(t *testing.T) {
	drafts(t, func(t draftTest) {
		a := newOrigin(t, nil)
		video := a.track("video")
		e := newEdge(t)
		first := a.dial(t.protocol)
		e.from.Set(upstream{first})
		r := e.several()
		a.group(video, 4, 2).Close()
		wantItems(t, r, "4/0", "4/1", "4 end")
		must(t, first.Close())
		e.from.Set(nil)
		b := newScripted(t, &script{play: func(p player) {
			p.subgroup(4, 0, true, 0, 1).End(true)
			p.subgroup(6, 0, true, 0)
			time.Sleep(60 * time.Millisecond)
			p.subgroup(5, 0, true, 0, 1).End(true)
		}})
		time.Sleep(10 * time.Millisecond)
		e.from.Set(upstream{b.dial(t.protocol)})
		wantItems(t, r, "6/0", "5/0", "5/1", "5 end")
	})
}

// A relay that joins subscribes at the newest group. Its child, which goes on from an
// older one that is still being sent, gets the rest of that, too.
func TestOvertakenGroupIsResumedBehindAJoiningRelay(t *testing.T) {
	drafts(t, func(t draftTest) {
		a := newOrigin(t, nil)
		video := a.track("video")
		e := newEdge(t)
		first := a.dial(t.protocol)
		e.from.Set(upstream{first})
		r := e.several()
		a.group(video, 4, 2).Close()
		wantItems(t, r, "4/0", "4/1", "4 end")
		must(t, first.Close())
		e.from.Set(nil)
		o := newScripted(t, &script{play: func(p player) {
			p.subgroup(4, 0, true, 0, 1).End(true)
			s := p.subgroup(5, 0, true, 0)
			p.subgroup(6, 0, true, 0)
			time.Sleep(700 * time.Millisecond)
			must(t, s.Insert(named(5, 1)))
			s.End(true)
		}})
		mid := newEdge(t)
		mid.from.Set(upstream{o.dial(t.protocol)})
		joining := &origin{t: t, relay: mid.relay, server: moqt.NewServer(moqt.Config{Relay: mid.relay})}
		e.from.Set(upstream{joining.dial(t.protocol)})
		wantItems(t, r, "6/0", "5/0", "5/1", "5 end")
	})
}

// A relay that joins gets what was overtaken within the group, though its subscription
// begins behind it.
func TestOvertakenObjectIsJoinedAt(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newScripted(t, &script{play: func(p player) {
			p.subgroup(6, 0, false, 0, 2)
			time.Sleep(60 * time.Millisecond)
			p.subgroup(6, 1, false, 1)
		}})
		time.Sleep(10 * time.Millisecond)
		e := newEdge(t)
		e.from.Set(upstream{o.dial(t.protocol)})
		wantItems(t, e.several(), "6/0", "6/1", "6/2")
	})
}

// A track that comes by PUBLISH begins with the group whose stream is the first to
// come. Those before it have a moment, in which their streams come one by one; and a
// fetch of them that fails says nothing.
func TestOvertakenGroupIsPublished(t *testing.T) {
	drafts(t, func(t draftTest) {
		o, in := newIntake(t)
		s := &script{
			play: func(p player) {
				time.Sleep(100 * time.Millisecond)
				p.subgroup(2, 0, true, 0)
				time.Sleep(5 * time.Millisecond)
				p.subgroup(0, 0, false, 0).End(true)
				time.Sleep(45 * time.Millisecond)
				p.subgroup(0, 7, true, 1).End(true)
			},
			fetch: func(relay.Location, relay.Location, func(uint64, relay.Object) error) error {
				time.Sleep(20 * time.Millisecond)
				return errors.New("no past today")
			},
		}
		mine := newScripted(t, s)
		near, far := moqttest.Pair(moqttest.Config{Protocol: t.protocol})
		o.serve(far)
		c, err := moqt.NewClient(context.Background(), near, moqt.ClientConfig{Relay: mine.relay})
		must(t, err)
		defer c.Close()
		_, err = c.Publish(ctxFor(t, time.Minute), findTrack(t, mine.relay, cam, "video"))
		must(t, err)
		time.Sleep(time.Second)
		g, ok := findTrack(t, in.relay, cam, "video").Group(0)
		if !ok || g.Len() != 2 || !g.Complete() {
			t.Errorf("group 0: %v, %d objects, complete: %v", ok, g.Len(), g.Complete())
		}
		if len(s.asked) == 0 {
			t.Error("nobody fetched what went before")
		}
	})
}

// What the log lacks in the midst of a range is waited for, and then asked for upstream,
// once: a gap in a response says that nothing is there.
func TestFetchOfWhatIsMissing(t *testing.T) {
	early := func(p player) { // 5/1 and 5/2, group 6 and 7/1 come later, or never.
		p.subgroup(4, 0, true, 0, 1, 2).End(true)
		p.subgroup(5, 0, true, 0).Suspend()
		p.subgroup(7, 0, true, 0, 2)
	}
	sending := func(p player) { // Of group 5 there is more to come.
		s := p.subgroup(5, 0, true, 0)
		p.subgroup(7, 0, true, 0, 1)
		time.Sleep(600 * time.Millisecond)
		s.Insert(named(5, 1))
		s.End(true)
	}
	all := []string{"5/0", "5/1", "5/2", "6/0", "6/1", "6/2", "7/0", "7/1", "7/2"}
	lost := func(relay.Location, relay.Location, func(uint64, relay.Object) error) error { return relay.ErrLost }
	for name, tt := range map[string]struct {
		upstream   script
		descending bool
		want       []string
		asked      []string
		fails      bool
		after      time.Duration // The FETCH comes then.
		within     time.Duration // 250 ms when zero.
	}{
		"a packet late": {upstream: script{play: func(p player) {
			early(p)
			time.Sleep(50 * time.Millisecond)
			p.datagram(7, 1)
			p.subgroup(6, 0, true, 0, 1, 2).End(true)
			time.Sleep(50 * time.Millisecond)
			p.datagram(5, 1)
			p.datagram(5, 2)
			p.group(5).Close()
		}}, want: all},
		"lost here":       {upstream: script{play: early, fetch: has(7)}, want: all, asked: []string{"5/1 to 6/0", "7/1 to 7/2"}},
		"lost, backwards": {upstream: script{play: early, fetch: has(7)}, descending: true, want: []string{"7/0", "7/1", "7/2", "6/0", "6/1", "6/2", "5/0", "5/1", "5/2"}, asked: []string{"5/1 to 6/0", "7/1 to 7/2"}},
		"left out":        {upstream: script{play: early, fetch: has(5, relay.Location{Group: 5, Object: 1}, relay.Location{Group: 5, Object: 2})}, want: []string{"5/0", "7/0", "7/2"}, asked: []string{"5/1 to 6/0", "7/1 to 7/2"}},
		"no FETCH there":  {upstream: script{play: early}, want: []string{"5/0", "7/0", "7/2"}, asked: []string{"5/1 to 6/0", "7/1 to 7/2"}},
		"nobody knows a group": {upstream: script{play: func(p player) {
			p.subgroup(5, 0, true, 0, 1, 2).End(true)
			p.subgroup(7, 0, true, 0, 1)
		}, fetch: lost}, want: []string{"5/0", "5/1", "5/2", "7/0", "7/1"}, asked: []string{"6/0 to 6/0"}},
		"being sent": {upstream: script{play: sending}, want: []string{"5/0", "5/1", "7/0", "7/1"}, asked: []string{"6/0 to 6/0"}, within: 850 * time.Millisecond},
		"being sent, slowly": {upstream: script{play: func(p player) {
			p.subgroup(5, 0, true, 0)
			p.subgroup(6, 0, true, 0)
		}}, want: []string{"5/0"}, asked: []string{"5/1 to 5/0"}, fails: true, within: time.Second},
		"never ended": {upstream: script{play: func(p player) {
			p.subgroup(5, 0, true, 0)
			p.subgroup(7, 0, true, 0)
		}}, want: []string{"5/0", "7/0"}, asked: []string{"5/1 to 6/0"}, after: 3 * time.Second, within: time.Millisecond},
		"nobody can tell":   {upstream: script{play: early, fetch: lost}, want: []string{"5/0", "7/0"}, asked: []string{"5/1 to 6/0", "7/1 to 7/2"}, fails: true},
		"nobody, backwards": {upstream: script{play: early, fetch: lost}, descending: true, asked: []string{"5/1 to 6/0", "7/1 to 7/2"}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			drafts(t, func(t draftTest) {
				s := tt.upstream
				o := newScripted(t, &s)
				time.Sleep(tt.after)
				before := time.Now()
				f, err := o.dial(t.protocol).Fetch(ctxFor(t, time.Minute), cam, "video", relay.Location{Group: 5}, relay.Location{Group: 7}, moqt.FetchOptions{Descending: tt.descending})
				must(t.T, err)
				got, err := read(t, f)
				want := tt.want
				if err != nil && tt.fails { // A reset overtakes what went before it.
					want = want[:min(len(got), len(want))]
				}
				if fmt.Sprint(got) != fmt.Sprint(want) || (err != nil) != tt.fails {
					t.Errorf("got %q, %v; want %q", got, err, want)
				}
				if took := time.Since(before); took > cmp.Or(tt.within, 250*time.Millisecond) {
					t.Errorf("it took %v", took)
				}
				if fmt.Sprint(s.asked) != fmt.Sprint(tt.asked) {
					t.Errorf("upstream was asked for %q; want %q", s.asked, tt.asked)
				}
			})
		})
	}
}

// What upstream has not either is not asked for again.
func TestFetchAsksOnce(t *testing.T) {
	drafts(t, func(t draftTest) {
		s := script{play: func(p player) { p.subgroup(7, 0, true, 0, 2) }, fetch: has(0)}
		o := newScripted(t, &s)
		c := o.dial(t.protocol)
		for range 3 {
			f, err := c.Fetch(ctxFor(t, time.Minute), cam, "video", relay.Location{Group: 7}, relay.Location{Group: 7}, moqt.FetchOptions{})
			must(t.T, err)
			if got, err := read(t, f); fmt.Sprint(got) != "[7/0 7/2]" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		}
		if fmt.Sprint(s.asked) != "[7/1 to 7/2]" {
			t.Errorf("upstream was asked for %q", s.asked)
		}
	})
}

// read gives what a fetch brings, and why it broke off.
func read(tb testing.TB, f *moqt.Fetch) (got []string, err error) {
	tb.Helper()
	for {
		o, err := f.Next(ctxFor(tb, time.Minute))
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		got = append(got, describe(o))
	}
}
