package moqt_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// bulky is an archive whose past is a few objects of many bytes, and ends when it is
// released.
type bulky struct {
	archive

	size     int
	released chan struct{}
}

const bulkyObjects = 4

func (b *bulky) Fetch(_ context.Context, _ *relay.Track, start, _ relay.Location, emit func(uint64, relay.Object) error) error {
	time.Sleep(10 * time.Millisecond) // A reset takes the stream's header with it.
	for id := range uint64(bulkyObjects) {
		if err := emit(start.Group, relay.Object{ID: id, Payload: make([]byte, b.size)}); err != nil {
			return err
		}
	}
	<-b.released
	return nil
}

// What is held to turn the order of responses is bounded for a session, however many
// fetches it has: those beyond are reset, and others lose nothing.
func TestFetchesHoldABoundedPast(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := &origin{t: t, relay: relay.New(relay.Config{})}
		past := &bulky{size: 3 << 20, released: make(chan struct{})}
		b, err := o.relay.Announce(cam, relay.AnnounceConfig{Upstream: past})
		must(t.T, err)
		o.server = moqt.NewServer(moqt.Config{Relay: o.relay})
		t.Cleanup(func() {
			b.Close(nil)
			o.relay.Wait()
		})
		hostile, viewer := o.dial(t.protocol), o.dial(t.protocol)
		ask := func(c *moqt.Client) *moqt.Fetch {
			f, err := c.Fetch(ctxFor(t, time.Minute), cam, "video", relay.Location{Group: 5}, relay.Location{Group: 6}, moqt.FetchOptions{Descending: true})
			must(t.T, err)
			return f
		}
		// These hold what has come of the past.
		held := []*moqt.Fetch{ask(hostile), ask(hostile)}
		time.Sleep(100 * time.Millisecond)
		_, err = ask(hostile).Next(ctxFor(t, time.Minute))
		reset, ok := errors.AsType[*moqt.StreamError](err)
		if want := uint64(wire.ResetUnknownStatus); !ok || t.protocol == "moqt-18" && reset.Code != want {
			t.Errorf("the third fetch: %v", err)
		}
		held = append(held, ask(viewer))
		close(past.released)
		for _, f := range held {
			wantBulk(t, f)
		}
		wantBulk(t, ask(hostile)) // There is room again.
	})
}

func wantBulk(t draftTest, f *moqt.Fetch) {
	t.Helper()
	for id := range bulkyObjects {
		if ob, err := f.Next(ctxFor(t, time.Minute)); err != nil || len(ob.Payload) != 3<<20 {
			t.Errorf("object %d: %d bytes, %v", id, len(ob.Payload), err)
		}
	}
	if _, err := f.Next(ctxFor(t, time.Minute)); !errors.Is(err, io.EOF) {
		t.Errorf("then %v", err)
	}
}
