package moqt_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// publishGOPs appends groups of 25 objects of size bytes, one each 40 ms, until
// stop is closed.
func publishGOPs(tb testing.TB, track *relay.Track, size int, stop <-chan struct{}) {
	tb.Helper()
	for id := uint64(1); ; id++ {
		g, err := track.NewGroup(id)
		if err != nil {
			tb.Error(err)
			return
		}
		for range 25 {
			if err := g.Append(relay.Object{Payload: make([]byte, size), Complete: time.Now()}); err != nil {
				tb.Error(err)
				return
			}
			select {
			case <-stop:
				return
			case <-time.After(40 * time.Millisecond):
			}
		}
	}
}

func resetCode(tb testing.TB, d string, err error) wire.ResetCode {
	tb.Helper()
	reset, ok := errors.AsType[*moqt.StreamError](err)
	if !ok {
		tb.Fatalf("not a reset: %v", err)
	}
	dialect, _ := wire.ByProtocol(d)
	return dialect.ResetCode(reset.Code)
}

// A viewer that stops reading video for a while: the stale group is reset, it
// goes on at the live edge, and its audio never waits.
func TestSlowViewer(t *testing.T) {
	drafts(t, func(t draftTest) {
		registry := prometheus.NewRegistry()
		o := newOrigin(t, func(cfg *moqt.Config) { cfg.Registerer = registry })
		video, audio := o.track("video"), o.track("audio")
		stop := make(chan struct{})
		done := make(chan struct{}, 2)
		go func() { publishGOPs(t, video, 20_000, stop); done <- struct{}{} }()
		go func() { publishGOPs(t, audio, 400, stop); done <- struct{}{} }()
		synctest.Wait()

		c, _ := o.dialConfig(moqttest.Config{Protocol: t.protocol, StreamWindow: 64 << 10}, moqt.ClientConfig{})
		var mu sync.Mutex
		var worst time.Duration
		last := time.Now()
		subscribe(t, c, "audio", moqt.SubscribeOptions{OnObject: func(ob moqt.Object) {
			mu.Lock()
			defer mu.Unlock()
			if !ob.End {
				worst = max(worst, time.Since(last))
				last = time.Now()
			}
		}})
		sub := subscribe(t, c, "video", moqt.SubscribeOptions{})
		time.Sleep(5 * time.Second) // Nobody reads video.

		reset := nextEnd(t, sub)
		if code := resetCode(t, t.protocol, reset.Reset); code != wire.ResetDeliveryTimeout {
			t.Errorf("reset with %#x", code)
		}
		newest, _ := video.Largest()
		for {
			ob, err := sub.Next(ctxFor(t, time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			if !ob.End && ob.Location.Group == newest.Group {
				break
			}
		}
		// An object comes each 40 ms; a blocked writer keeps its turn for 20.
		mu.Lock()
		if worst > 60*time.Millisecond {
			t.Errorf("audio came %v apart", worst)
		}
		mu.Unlock()
		if n := metric(t, registry, "freshet_moqt_skipped_groups_total"); n == 0 {
			t.Error("no skip was counted")
		}
		close(stop)
		<-done
		<-done
	})
}

func nextEnd(tb testing.TB, s source) moqt.Object {
	tb.Helper()
	for {
		o, err := s.Next(ctxFor(tb, time.Minute))
		if err != nil {
			tb.Fatal(err)
		}
		if o.End {
			return o
		}
	}
}

// metric sums the values of all series of a name.
func metric(tb testing.TB, r *prometheus.Registry, name string) float64 {
	tb.Helper()
	families, err := r.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// A viewer that reads nothing at all is ended, and others do not notice.
func TestViewerNeverReads(t *testing.T) {
	drafts(t, func(t draftTest) {
		registry := prometheus.NewRegistry()
		o := newOrigin(t, func(cfg *moqt.Config) { cfg.Registerer = registry })
		video := o.track("video")
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() { defer close(done); publishGOPs(t, video, 20_000, stop) }()
		synctest.Wait()

		var good atomic.Int64
		subscribe(t, o.dial(t.protocol), "video", moqt.SubscribeOptions{OnObject: func(ob moqt.Object) {
			if !ob.End {
				good.Add(1)
			}
		}})
		bad, served := o.dialConfig(moqttest.Config{Protocol: t.protocol}, moqt.ClientConfig{})
		stuck := make(chan struct{})
		before := time.Now()
		subscribe(t, bad, "video", moqt.SubscribeOptions{OnObject: func(moqt.Object) { <-stuck }})
		if err := <-served; !errors.Is(err, moqt.ErrStalled) {
			t.Errorf("the session ended with %v", err)
		}
		if took := time.Since(before); took > 30*time.Second {
			t.Errorf("it took %v", took)
		} else if want := int64(took / (40 * time.Millisecond)); good.Load() < want-1 {
			t.Errorf("the good viewer got %d of %d objects", good.Load(), want)
		}
		close(stuck)
		close(stop)
		<-done
	})
}

// Metrics count what was delivered and forget who left.
func TestMetrics(t *testing.T) {
	drafts(t, func(t draftTest) {
		registry := prometheus.NewRegistry()
		o := newOrigin(t, func(cfg *moqt.Config) { cfg.Registerer = registry })
		g := o.group(o.track("video"), 1, 0)
		c, served := o.dialConfig(moqttest.Config{Protocol: t.protocol}, moqt.ClientConfig{})
		sub := subscribe(t, c, "video", moqt.SubscribeOptions{})
		time.Sleep(time.Millisecond)
		o.object(g)
		o.object(g)
		expect(t, sub, "1/0", "1/1")
		synctest.Wait()
		_, _ = c.TrackStatus(ctxFor(t, time.Minute), cam, "nothing")
		for name, want := range map[string]float64{
			"freshet_moqt_sessions":             1,
			"freshet_moqt_subscriptions":        1,
			"freshet_moqt_objects_total":        2,
			"freshet_moqt_payload_bytes_total":  6,
			"freshet_moqt_delivery_seconds":     2,
			"freshet_moqt_request_errors_total": 1,
		} {
			if got := metric(t, registry, name); got != want {
				t.Errorf("%s is %v; want %v", name, got, want)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		<-served
		synctest.Wait()
		for _, name := range []string{"freshet_moqt_sessions", "freshet_moqt_subscriptions"} {
			if got := metric(t, registry, name); got != 0 {
				t.Errorf("%s is %v after the end", name, got)
			}
		}
	})
}
