package moqt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// fetched reads a fetch stream to its end and describes the objects.
func (p *rawPeer) fetched() []string {
	p.t.Helper()
	for {
		st, err := p.conn.AcceptUniStream(ctxFor(p.t, time.Minute))
		must(p.t, err)
		r := p.d.NewStreamReader(st)
		if kind, err := r.Varint(); err != nil || kind != wire.StreamFetch {
			continue // The control stream.
		}
		_, err = r.Varint()
		must(p.t, err)
		var out []string
		objects := wire.NewFetchReader(r, false)
		for {
			h, err := objects.Next()
			if errors.Is(err, io.EOF) {
				return out
			}
			must(p.t, err)
			payload := make([]byte, h.Length)
			_, err = io.ReadFull(r, payload)
			must(p.t, err)
			how := fmt.Sprintf("of %d", h.Subgroup)
			if h.Datagram {
				how = "by datagram"
			}
			text := fmt.Sprintf("%d %s at %d: %s", h.Location.Object, how, h.Priority, payload)
			if len(h.Properties) > 0 {
				text += " with properties"
			}
			out = append(out, text)
		}
	}
}

// archive is an upstream whose tracks begin at group 7, object 2, and that has
// groups 5 and 6 and the start of 7 for FETCH.
type archive struct {
	subscriptions, fetches int // In a bubble, one goroutine at a time.

	refuse error
}

func (a *archive) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	a.subscriptions++
	time.Sleep(30 * time.Millisecond)
	if a.refuse != nil {
		return a.refuse
	}
	accepted(relay.TrackConfig{Window: time.Minute, Started: &relay.Location{}})
	time.Sleep(30 * time.Millisecond)
	g, err := t.OpenGroup(7)
	if err != nil {
		return err
	}
	for id := uint64(2); id < 4; id++ {
		if err := g.Insert(relay.Object{ID: id, Payload: fmt.Appendf(nil, "7/%d", id), Complete: time.Now()}); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (a *archive) Fetch(_ context.Context, _ *relay.Track, start, end relay.Location, emit func(uint64, relay.Object) error) error {
	a.fetches++
	for group := max(start.Group, 5); group <= end.Group; group++ {
		for id := range uint64(3) {
			if group == start.Group && id < start.Object || group == end.Group && end.Object > 0 && id >= end.Object {
				continue
			}
			if err := emit(group, relay.Object{ID: id, Payload: fmt.Appendf(nil, "%d/%d", group, id)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// newArchived is an origin whose only broadcast comes from upstream.
func newArchived(t *testing.T, a *archive) *origin {
	t.Helper()
	o := &origin{t: t, relay: relay.New(relay.Config{})}
	b, err := o.relay.Announce(cam, relay.AnnounceConfig{Upstream: a})
	must(t, err)
	o.server = moqt.NewServer(moqt.Config{Relay: o.relay})
	t.Cleanup(func() {
		b.Close(nil)
		o.relay.Wait()
	})
	return o
}

func TestFetchIsStitched(t *testing.T) {
	drafts(t, func(t draftTest) {
		tests := []struct {
			name       string
			start, end relay.Location
			descending bool
			want       []string
			upstream   bool
		}{
			{"from the log", relay.Location{Group: 7, Object: 2}, relay.Location{Group: 7}, false, []string{"7/2", "7/3"}, false},
			{"head of a group", relay.Location{Group: 7}, relay.Location{Group: 7}, false, []string{"7/0", "7/1", "7/2", "7/3"}, true},
			{
				"groups before",
				relay.Location{Group: 6, Object: 1},
				relay.Location{Group: 7, Object: 3},
				false,
				[]string{"6/1", "6/2", "7/0", "7/1", "7/2"},
				true,
			},
			{"nothing of the log", relay.Location{Group: 5}, relay.Location{Group: 6, Object: 1}, false, []string{"5/0", "5/1", "5/2", "6/0"}, true},
			{
				"the newest group first",
				relay.Location{Group: 5, Object: 2},
				relay.Location{Group: 7},
				true,
				[]string{"7/0", "7/1", "7/2", "7/3", "6/0", "6/1", "6/2", "5/2"},
				true,
			},
			{"a whole group before", relay.Location{Group: 6}, relay.Location{Group: 6}, false, []string{"6/0", "6/1", "6/2"}, true},
		}
		for _, tt := range tests {
			a := &archive{}
			o := newArchived(t.T, a)
			c := o.dial(t.protocol)
			b, _ := o.relay.Broadcast(cam)
			held := b.Demand("video")
			time.Sleep(100 * time.Millisecond) // The log has both of its objects.
			f, err := c.Fetch(ctxFor(t, time.Minute), cam, "video", tt.start, tt.end, moqt.FetchOptions{Descending: tt.descending})
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			var got []string
			for {
				ob, err := f.Next(ctxFor(t, time.Minute))
				if errors.Is(err, io.EOF) {
					break
				}
				must(t, err)
				got = append(got, describe(ob))
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) || (a.fetches > 0) != tt.upstream {
				t.Errorf("%s: got %q with %d fetches upstream, want %q", tt.name, got, a.fetches, tt.want)
			}
			_ = c.Close()
			held.Release()
			time.Sleep(relay.DefaultLinger + time.Second)
		}
	})
}

// However many subscribe, upstream is subscribed to once; a refusal reaches those
// who wait for it.
func TestSubscriptionsShareUpstream(t *testing.T) {
	drafts(t, func(t draftTest) {
		a := &archive{}
		o := newArchived(t.T, a)
		for range 3 {
			sub := subscribe(t, o.dial(t.protocol), "video", moqt.SubscribeOptions{Filter: &wire.Filter{
				Type: wire.AbsoluteStart, Start: wire.Location{Group: 7},
			}})
			if l, ok := sub.Largest(); !ok || l.Group != 7 {
				t.Errorf("largest is %v, %v", l, ok)
			}
			expect(t, sub, "7/2", "7/3")
		}
		synctest.Wait()
		if a.subscriptions != 1 {
			t.Errorf("%d subscriptions upstream", a.subscriptions)
		}
		a.refuse = relay.ErrNoTrack
		_, err := o.dial(t.protocol).Subscribe(ctxFor(t, time.Minute), cam, "nothing", moqt.SubscribeOptions{})
		wantRefused(t, err, wire.RequestDoesNotExist)
		a.refuse = &moqt.RequestError{Code: wire.RequestUnauthorized}
		_, err = o.dial(t.protocol).Subscribe(ctxFor(t, time.Minute), cam, "nothing", moqt.SubscribeOptions{})
		wantRefused(t, err, wire.RequestInternal)
	})
}
