package moqt_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
)

// BenchmarkFanOut delivers objects of 25 kB, one group for each 30, to clients
// over the Conn in memory. Both ends are in the figure: the client allocates the
// payload, the server should allocate next to nothing.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{1, 100} {
		for _, protocol := range []string{"moqt-18", "moqt-16"} {
			b.Run(fmt.Sprintf("subscribers=%d/%s", n, protocol), func(b *testing.B) { benchmarkFanOut(b, n, protocol) })
		}
	}
}

func benchmarkFanOut(b *testing.B, n int, protocol string) {
	b.Helper()
	o := newOrigin(b, nil)
	var delivered sync.WaitGroup
	track := benchTrack(b, o)
	for range n {
		c, _ := o.dialConfig(moqttest.Config{Protocol: protocol}, moqt.ClientConfig{})
		subscribe(b, c, "video", moqt.SubscribeOptions{OnObject: func(ob moqt.Object) {
			if !ob.End {
				delivered.Done()
			}
		}})
	}
	benchmarkObjects(b, track, n, &delivered)
}

// BenchmarkServer is the same with connections that swallow the media, so that
// only the server's own work is in the figure.
func BenchmarkServer(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("subscribers=%d", n), func(b *testing.B) {
			o := newOrigin(b, nil)
			var delivered sync.WaitGroup
			track := benchTrack(b, o)
			for range n {
				near, far := moqttest.Pair(moqttest.Config{})
				ended := o.serve(&sinkConn{Conn: far, delivered: &delivered})
				c, err := moqt.NewClient(context.Background(), near, moqt.ClientConfig{})
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() {
					_ = c.Close()
					<-ended
				})
				subscribe(b, c, "video", moqt.SubscribeOptions{})
			}
			benchmarkObjects(b, track, n, &delivered)
		})
	}
}

// sinkConn swallows what is written to unidirectional streams after the first,
// which is the control stream.
type sinkConn struct {
	moqt.Conn
	delivered *sync.WaitGroup
	opened    atomic.Bool
}

func (c *sinkConn) OpenUniStream(ctx context.Context) (moqt.SendStream, error) {
	if !c.opened.Swap(true) {
		return c.Conn.OpenUniStream(ctx)
	}
	return &sink{delivered: c.delivered}, nil
}

type sink struct {
	moqt.SendStream
	delivered *sync.WaitGroup
	bytes     int // Of the object, in however many writes.
}

func (s *sink) Write(b []byte) (int, error) {
	if s.bytes += len(b); s.bytes >= benchPayload { // Its header goes before it.
		s.bytes = 0
		s.delivered.Done()
	}
	return len(b), nil
}

func (*sink) Close() error                     { return nil }
func (*sink) CancelWrite(uint64)               {}
func (*sink) SetWriteDeadline(time.Time) error { return nil }

const benchPayload = 25_000

func benchTrack(b *testing.B, o *origin) *relay.Track {
	b.Helper()
	track, err := o.broadcast.NewTrack("video", relay.TrackConfig{})
	if err != nil {
		b.Fatal(err)
	}
	return track
}

func benchmarkObjects(b *testing.B, track *relay.Track, n int, delivered *sync.WaitGroup) {
	b.Helper()
	payload := make([]byte, benchPayload)
	var g *relay.Group
	b.ReportAllocs()
	b.SetBytes(int64(n * len(payload)))
	i := 0
	for b.Loop() {
		if i%30 == 0 {
			var err error
			if g, err = track.NewGroup(uint64(i/30 + 1)); err != nil {
				b.Fatal(err)
			}
		}
		i++
		delivered.Add(n)
		if err := g.Append(relay.Object{Payload: payload, Complete: time.Now()}); err != nil {
			b.Fatal(err)
		}
		delivered.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(i*n), "ns/object/subscriber")
}
