package moqt_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// TestManyViewersShareWhatTheyGet has viewers of all drafts on one track, so many
// that objects are framed once for each draft, and some who come later or read what
// the others have behind them. Half of them have subscribed to something else before,
// and so have another alias for the track.
func TestManyViewersShareWhatTheyGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t, nil)
		track := o.track("video")
		o.track("audio")
		g := o.group(track, 5, 1)
		var live []*moqt.Subscription
		for i := range 10 {
			for _, protocol := range wire.Protocols() {
				c := o.dial(protocol)
				if i%2 == 1 {
					subscribe(t, c, "audio", moqt.SubscribeOptions{})
				}
				live = append(live, subscribe(t, c, "video", moqt.SubscribeOptions{
					Filter: &wire.Filter{Type: wire.LargestObject},
				}))
			}
		}
		for range 6 {
			o.object(g)
		}
		for _, sub := range live {
			expect(t, sub, "5/1", "5/2", "5/3", "5/4", "5/5", "5/6")
		}
		for _, protocol := range wire.Protocols() {
			late := subscribe(t, o.dial(protocol), "video", moqt.SubscribeOptions{})
			expect(t, late, "5/0", "5/1", "5/2", "5/3", "5/4", "5/5", "5/6")
			live = append(live, late)
		}
		g = o.group(track, 6, 3)
		o.object(g)
		for _, sub := range live {
			expect(t, sub, "5 end", "6/0", "6/1", "6/2", "6/3")
		}
	})
}

// TestViewersShareTheFirstObjectToo has viewers write the first object of a group at
// the same moment: all write the same memory, stream header and all.
func TestViewersShareTheFirstObjectToo(t *testing.T) {
	drafts(t, func(t draftTest) {
		const viewers = 5
		o := newOrigin(t, nil)
		track := o.track("video")
		o.group(track, 5, 1)
		var writing sync.WaitGroup
		writing.Add(viewers)
		var mu sync.Mutex
		pieces := make(map[*byte]int) // Guarded by mu. How often each was written.
		wrote := func(b []byte) {
			if !bytes.HasSuffix(b, []byte("6/0")) {
				return
			}
			mu.Lock()
			pieces[&b[0]]++
			mu.Unlock()
			writing.Done()
			writing.Wait()
		}
		var live []*moqt.Subscription
		for range viewers {
			near, far := moqttest.Pair(moqttest.Config{Protocol: t.protocol})
			ended := o.serve(&watchedConn{Conn: far, wrote: wrote})
			c, err := moqt.NewClient(context.Background(), near, moqt.ClientConfig{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = c.Close()
				<-ended
			})
			live = append(live, subscribe(t, c, "video", moqt.SubscribeOptions{
				Filter: &wire.Filter{Type: wire.LargestObject},
			}))
		}
		synctest.Wait() // Each is being delivered to, which begins behind its answer.
		o.group(track, 6, 1)
		for _, sub := range live {
			expect(t, sub, "6/0")
		}
		if len(pieces) != 1 {
			t.Errorf("%d viewers wrote %d pieces", viewers, len(pieces))
		}
	})
}

// watchedConn tells what is written to its unidirectional streams, before it is.
type watchedConn struct {
	moqt.Conn
	wrote func([]byte)
}

func (c *watchedConn) OpenUniStream(ctx context.Context) (moqt.SendStream, error) {
	st, err := c.Conn.OpenUniStream(ctx)
	return &watchedStream{SendStream: st, wrote: c.wrote}, err
}

type watchedStream struct {
	moqt.SendStream
	wrote func([]byte)
}

func (s *watchedStream) Write(b []byte) (int, error) {
	s.wrote(b)
	return s.SendStream.Write(b)
}
