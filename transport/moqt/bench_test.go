package moqt_test

import (
	"fmt"
	"sync"
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
	track, err := o.broadcast.NewTrack("video", relay.TrackConfig{})
	if err != nil {
		b.Fatal(err)
	}
	var delivered sync.WaitGroup
	for range n {
		c, _ := o.dialConfig(moqttest.Config{Protocol: protocol}, moqt.ClientConfig{})
		subscribe(b, c, "video", moqt.SubscribeOptions{OnObject: func(ob moqt.Object) {
			if !ob.End {
				delivered.Done()
			}
		}})
	}
	payload := make([]byte, 25_000)
	var g *relay.Group
	b.ReportAllocs()
	b.SetBytes(int64(n * len(payload)))
	i := 0
	for b.Loop() {
		if i%30 == 0 {
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
