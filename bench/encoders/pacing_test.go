package encoders_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/encoders"
	"github.com/freshet-live/freshet/bench/pattern"
	"github.com/freshet-live/freshet/push"
)

// arrivals notes when bursts come out.
type arrivals struct {
	times  []time.Time
	enough chan struct{}
	want   int
}

func (a *arrivals) Write(b []byte) (int, error) {
	if a.times = append(a.times, time.Now()); len(a.times) == a.want {
		close(a.enough)
	}
	return len(b), nil
}

// BenchmarkPacing sends bursts of seven packets at 6 Mbit/s through all of the sending
// side but a socket, and tells how far from even they come out; an op is a burst.
func BenchmarkPacing(b *testing.B) {
	out := &arrivals{enough: make(chan struct{}), want: max(b.N, 2)}
	fleet, err := encoders.New(encoders.Config{
		Count: 1, Buffer: time.Second, Rate: fixed(6e6), Log: slog.New(slog.DiscardHandler),
		Output: push.OutputConfig{To: "-", Stdout: out},
		Source: func(int, *encoders.Marker) (encoders.Source, error) { return pattern.New(pattern.Config{}) },
	})
	if err != nil {
		b.Fatal(err)
	}
	stop := background(b, fleet)
	<-out.enough
	stop()
	const step = 7 * 188 * 8 * 1e9 / 6e6
	errs := make([]time.Duration, out.want)
	for i := range errs {
		errs[i] = out.times[i].Sub(out.times[0]) - time.Duration(float64(i)*step)
	}
	slices.Sort(errs)
	middle := errs[len(errs)/2]
	for i := range errs {
		errs[i] = (errs[i] - middle).Abs()
	}
	slices.Sort(errs)
	b.ReportMetric(float64(errs[len(errs)/2].Microseconds()), "p50-us-off")
	b.ReportMetric(float64(errs[len(errs)*99/100].Microseconds()), "p99-us-off")
	b.ReportMetric(float64(errs[len(errs)-1].Microseconds()), "max-us-off")
	b.ReportMetric(fleet.Totals().Late.Quantile(.99)*1e6, "p99-us-late-own")
}
