package moqt_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// failing is an archive that cannot be read.
type failing struct{ archive }

func (*failing) Fetch(context.Context, *relay.Track, relay.Location, relay.Location, func(uint64, relay.Object) error) error {
	time.Sleep(100 * time.Millisecond)
	return errors.New("no archive today")
}

// overtaking is a connection on which the reset of a fetch stream overtakes its
// data, as packets do; unseen, there is nothing left by which the peer could tell
// that there was a stream (of WebTransport, without the session's ID).
type overtaking struct {
	moqt.Conn
	unseen bool
}

func (c overtaking) OpenUniStream(ctx context.Context) (moqt.SendStream, error) {
	st, err := c.Conn.OpenUniStream(ctx)
	return &overtaken{SendStream: st, unseen: c.unseen}, err
}

type overtaken struct {
	moqt.SendStream
	unseen, fetch bool
}

func (s *overtaken) Write(b []byte) (int, error) {
	s.fetch = s.fetch || len(b) > 0 && b[0] == wire.StreamFetch
	if s.fetch {
		return len(b), nil
	}
	return s.SendStream.Write(b)
}

func (s *overtaken) CancelWrite(code uint64) {
	if !s.fetch || !s.unseen {
		s.SendStream.CancelWrite(code)
	}
}

// A fetch whose stream is lost before its header ends with an error, not with its
// caller's patience.
func TestFetchWhoseStreamIsLost(t *testing.T) {
	drafts(t, func(t draftTest) {
		for _, unseen := range []bool{false, true} {
			if unseen && t.protocol == "moqt-16" {
				continue // Nothing tells there.
			}
			o := &origin{t: t.T, relay: relay.New(relay.Config{})}
			b, err := o.relay.Announce(cam, relay.AnnounceConfig{Upstream: &failing{}})
			must(t.T, err)
			o.server = moqt.NewServer(moqt.Config{Relay: o.relay})
			held := b.Demand("video")
			time.Sleep(100 * time.Millisecond) // The log begins at 7/2.
			near, far := moqttest.Pair(moqttest.Config{Protocol: t.protocol})
			ended := o.serve(overtaking{far, unseen})
			c, err := moqt.NewClient(context.Background(), near, moqt.ClientConfig{})
			must(t.T, err)
			f, err := c.Fetch(ctxFor(t, time.Minute), cam, "video", relay.Location{Group: 5}, relay.Location{Group: 7}, moqt.FetchOptions{})
			must(t.T, err)
			before := time.Now()
			if ob, err := f.Next(ctxFor(t, time.Minute)); err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %q, %v", describe(ob), err)
			}
			if took := time.Since(before); took > 11*time.Second {
				t.Errorf("it took %v", took)
			}
			// The session and what else it has are well.
			f, err = c.Fetch(ctxFor(t, time.Minute), cam, "video", relay.Location{Group: 5}, relay.Location{Group: 6}, moqt.FetchOptions{})
			must(t.T, err)
			must(t.T, f.Close())
			must(t.T, c.Close())
			<-ended
			held.Release()
			b.Close(nil)
			o.relay.Wait()
			synctest.Wait()
		}
	})
}
