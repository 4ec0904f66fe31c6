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

// overtook is an upstream of whose group 7 objects 0 and 4 came, in datagrams, before
// the subgroup that has those between, which comes later than anybody waits for a
// packet unless late says otherwise.
type overtook struct {
	late   time.Duration // From 0 and 4 to the others; never when zero.
	refuse error         // Of FETCH.
	asked  []string
}

func (u *overtook) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	accepted(relay.TrackConfig{Window: time.Minute, Started: &relay.Location{}})
	g, err := t.OpenGroup(7)
	if err != nil {
		return err
	}
	insert := func(id uint64, datagram bool) error {
		return g.Insert(relay.Object{ID: id, Datagram: datagram, Payload: fmt.Appendf(nil, "7/%d", id), Complete: time.Now()})
	}
	if err := errors.Join(insert(0, true), insert(4, true)); err != nil {
		return err
	}
	if u.late > 0 {
		time.Sleep(u.late)
		err = errors.Join(insert(1, false), insert(3, false))
	}
	<-ctx.Done()
	return errors.Join(err, context.Cause(ctx))
}

// Fetch has all but object 2, which does not exist.
func (u *overtook) Fetch(_ context.Context, _ *relay.Track, start, end relay.Location, emit func(uint64, relay.Object) error) error {
	u.asked = append(u.asked, fmt.Sprintf("%d/%d to %d/%d", start.Group, start.Object, end.Group, end.Object))
	if u.refuse != nil {
		return u.refuse
	}
	for id := start.Object; id < end.Object; id++ {
		if id == 2 {
			continue
		}
		if err := emit(7, relay.Object{ID: id, Payload: fmt.Appendf(nil, "7/%d", id)}); err != nil {
			return err
		}
	}
	return nil
}

// Objects that others of their group have overtaken are no reason to say that they
// do not exist: a response waits for them, and asks upstream.
func TestFetchOfWhatWasOvertaken(t *testing.T) {
	notSupported := &moqt.RequestError{Code: wire.RequestNotSupported}
	for name, tt := range map[string]struct {
		upstream overtook
		want     []string
		asked    []string
		fails    bool
	}{
		"a packet late":   {overtook{late: 100 * time.Millisecond}, []string{"7/0", "7/1", "7/3", "7/4"}, []string{"7/2 to 7/3"}, false},
		"not here":        {overtook{}, []string{"7/0", "7/1", "7/3", "7/4"}, []string{"7/1 to 7/4"}, false},
		"no FETCH there":  {overtook{refuse: notSupported}, []string{"7/0", "7/4"}, []string{"7/1 to 7/4"}, false},
		"nobody can tell": {overtook{refuse: relay.ErrLost}, []string{}, []string{"7/1 to 7/4"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			drafts(t, func(t draftTest) {
				upstream := tt.upstream
				o := &origin{t: t.T, relay: relay.New(relay.Config{})}
				b, err := o.relay.Announce(cam, relay.AnnounceConfig{Upstream: &upstream})
				must(t.T, err)
				o.server = moqt.NewServer(moqt.Config{Relay: o.relay})
				defer o.relay.Wait()
				defer b.Close(nil)
				f, err := o.dial(t.protocol).Fetch(ctxFor(t, time.Minute), cam, "video", relay.Location{Group: 7}, relay.Location{Group: 7}, moqt.FetchOptions{})
				must(t.T, err)
				before := time.Now()
				expect(t, f, tt.want...)
				if _, err := f.Next(ctxFor(t, time.Minute)); errors.Is(err, io.EOF) == tt.fails {
					t.Errorf("the response ends with %v", err)
				}
				if took := time.Since(before); took > 250*time.Millisecond {
					t.Errorf("it took %v", took)
				}
				synctest.Wait()
				if fmt.Sprint(upstream.asked) != fmt.Sprint(tt.asked) {
					t.Errorf("upstream was asked for %q; want %q", upstream.asked, tt.asked)
				}
			})
		})
	}
}
