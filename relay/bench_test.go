package relay_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// BenchmarkFanOut appends one 25 kB chunk and waits until every reader has it:
// ns/op is the cost of a chunk, ns/reader that of handing it to one reader. The
// one allocation a chunk is the channel that all blocked readers share.
func BenchmarkFanOut(b *testing.B) {
	for _, readers := range []int{1, 64, 1000} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) { fanOut(b, readers) })
	}
}

func fanOut(b *testing.B, readers int) {
	b.Helper()
	tr := track(b, relay.TrackConfig{Window: 10 * time.Second})
	payload := make([]byte, 25_000)
	var seen atomic.Int64
	all := make(chan struct{}, 1)
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			r := tr.NewReader(relay.ReaderConfig{})
			for {
				item, err := r.Next(b.Context())
				if err != nil {
					return
				}
				if !item.End && seen.Add(1)%int64(readers) == 0 {
					all <- struct{}{}
				}
			}
		})
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(payload) * readers))
	var g *relay.Group
	for i := 0; b.Loop(); i++ {
		if i%30 == 0 {
			g = group(b, tr, uint64(i)) // A 1 s GOP.
		}
		if err := g.Append(relay.Object{Payload: payload, Complete: time.Now()}); err != nil {
			b.Fatal(err)
		}
		<-all
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*readers), "ns/reader")
	tr.Close(nil)
	wg.Wait()
}

// BenchmarkCutThrough brings the same chunk in four pieces and waits after each one
// until every reader has it.
func BenchmarkCutThrough(b *testing.B) {
	for _, readers := range []int{1, 64, 1000} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) { cutThrough(b, readers) })
	}
}

func cutThrough(b *testing.B, readers int) {
	b.Helper()
	tr := track(b, relay.TrackConfig{Window: 10 * time.Second})
	piece := make([]byte, 25_000/4)
	var seen atomic.Int64
	all := make(chan struct{}, 1)
	have := func() {
		if seen.Add(1)%int64(readers) == 0 {
			all <- struct{}{}
		}
	}
	var wg sync.WaitGroup
	for range readers {
		wake := make(chan struct{}, 1)
		stop := tr.Notify(wake)
		wg.Go(func() {
			defer stop()
			readPieces(b, tr, wake, len(piece), have)
		})
	}
	b.ReportAllocs()
	b.SetBytes(int64(4 * len(piece) * readers))
	var sg *relay.Subgroup
	for i := 0; b.Loop(); i++ {
		if i%30 == 0 {
			if sg != nil {
				sg.End(true)
			}
			sg = openWith(b, openGroup(b, tr, uint64(i)), relay.SubgroupConfig{Last: true})
		}
		f := open(b, sg, uint64(i%30), 4*len(piece))
		for range 4 {
			if _, err := f.Write(piece); err != nil {
				b.Fatal(err)
			}
			<-all
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*readers), "ns/reader")
	tr.Close(nil)
	wg.Wait()
}

// readPieces reads objects as they come and tells of each piece.
func readPieces(b *testing.B, tr *relay.Track, wake <-chan struct{}, piece int, have func()) {
	b.Helper()
	r := tr.NewReader(relay.ReaderConfig{Groups: 3})
	var last relay.Item
	read := 0
	for {
		if last.Group != nil {
			o, _ := last.Group.Progress(last.Index)
			for ; read+piece <= len(o.Payload); read += piece {
				have()
			}
			if o.Whole() {
				last.Group = nil
			}
		}
		item, ok, err := r.TryNext()
		switch {
		case err != nil:
			return
		case !ok:
			<-wake
		case item.Index >= 0 && item.Object.Size > 0:
			last, read = item, 0
		}
	}
}

// BenchmarkLateJoin reads a whole 30 s window of 30 groups of 30 chunks.
func BenchmarkLateJoin(b *testing.B) {
	tr := track(b, relay.TrackConfig{Window: time.Hour})
	for id := range uint64(30) {
		g := group(b, tr, id)
		for range 30 {
			push(b, g, "chunk")
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		r := tr.NewReader(relay.ReaderConfig{})
		for {
			if _, ok, err := r.TryNext(); !ok || err != nil {
				break
			}
		}
	}
}
