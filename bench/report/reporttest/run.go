// Package reporttest makes a run with all that is hard to show: hundreds of samples,
// long names, an empty distribution, checks of each kind, values over six orders of
// magnitude, markup in labels.
package reporttest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/freshet-live/freshet/bench/report"
)

const long = "publisher-of-the-stadium-north-stand-camera-number-seventeen/with-a-very-long-path/and-another"

// Run reports a made-up run of five minutes. Delays are slower by that factor. It ends now.
func Run(seed uint64, factor float64, sinks ...report.Sink) error {
	return Lasting(300, seed, factor, sinks...)
}

// Lasting is Run over so many seconds, with all that is in it: a short one is soon drawn.
func Lasting(seconds int, seed uint64, factor float64, sinks ...report.Sink) error {
	end := report.Seconds(seconds)
	dice := rand.New(rand.NewPCG(seed, 0))
	load := .42
	r := report.New(report.Run{
		Tool: "bench view", Title: "200 viewers over WebTransport, one edge killed", Version: "v0.1.0", Commit: "0123456789abcdef0123456789abcdef01234567+dirty",
		Seed: &seed, Start: time.Now().Add(-time.Duration(seconds) * time.Second), Duration: end,
		Machine:  report.Machine{CPU: "A Processor With A Long Name @ 2.50GHz", Cores: 2, Memory: 8 << 30, OS: "linux", Arch: "amd64", Kernel: "6.1.0-18-cloud-amd64", Go: "go1.26.1", Load: &load},
		Settings: map[string]string{"viewers": "200", "url": "https://relay.example:4443/" + strings.Repeat("x", 150), "late": "10%", "<script>alert(1)</script>": "<img src=x onerror=alert(1)>"},
	}, sinks...)
	delay := func(base float64) float64 { return factor * base * math.Exp(dice.NormFloat64()*.3) }
	for second := 1; second <= seconds; second++ {
		at := report.Seconds(second)
		killed := at > .4*end && at <= .4*end+4
		for i, track := range []string{"video", "audio"} {
			rate := []float64{6e6, 128e3}[i] * (1 + dice.NormFloat64()*.02)
			if killed {
				rate *= .3
			}
			r.Sample(report.Sample{At: at, Name: "bitrate", Unit: "bit/s", Labels: report.Labels{"track": track, "publisher": long}, Value: rate})
		}
		r.Sample(report.Sample{At: at, Name: "client cpu", Unit: "%", Value: 30 + 10*dice.Float64()})
		r.Sample(report.Sample{At: at, Name: "queue <b>", Unit: "B", Value: math.Pow(10, 3*dice.Float64()+1)})
		for i := range 12 {
			r.Sample(report.Sample{At: at, Name: "viewers", Labels: report.Labels{"region": fmt.Sprint("region-", i)}, Value: float64(10 + i)})
		}
		early, late := &report.Histogram{}, &report.Histogram{}
		for range 100 {
			d := delay(.03)
			if dice.IntN(500) == 0 || killed {
				d *= 40
			}
			early.Add(d)
			late.Add(delay(.08))
		}
		r.Distribution(report.Distribution{At: at, Name: "latency", Unit: "s", Labels: report.Labels{"class": "early", "publisher": long}, Histogram: early})
		r.Distribution(report.Distribution{At: at, Name: "latency", Unit: "s", Labels: report.Labels{"class": "late <i>joiner</i>"}, Histogram: late})
	}
	wide := &report.Histogram{}
	for range 5000 {
		wide.Add(math.Pow(10, dice.Float64()*6.5-5))
	}
	r.Distribution(report.Distribution{At: end, Name: "join time", Unit: "s", Histogram: wide})
	r.Distribution(report.Distribution{At: end, Name: "stalls", Unit: "s", Histogram: &report.Histogram{}})
	for i, subject := range []string{"edge-1", "mid-2", long} {
		r.Event(report.Event{At: end * report.Seconds(.4+.133*float64(i)), Name: "kill", Subject: subject, Detail: "SIGKILL of the process, whose namespace stays"})
		r.Event(report.Event{At: end*report.Seconds(.4+.133*float64(i)) + report.Seconds(4.25+float64(i)), Name: "recovered", Subject: subject, Ends: "kill", Detail: "all viewers have each track"})
	}
	r.Event(report.Event{At: .1 * end, Name: "ramp ended"})
	for round := 1; round <= 8; round++ {
		r.Result(report.Result{At: end, Round: round, Name: "viewers per core", Value: 310/factor + 5*dice.Float64(), Better: report.Higher})
	}
	r.Result(report.Result{At: end, Name: "CPU-seconds per GB", Value: 4.8123, Better: report.Lower, Note: "The server's, read from /proc."})
	r.Count(report.Counter{At: end, Name: "gaps", Value: 3})
	r.Count(report.Counter{At: end, Name: "received", Unit: "B", Labels: report.Labels{"publisher": long}, Value: 123_456_789_012})
	r.Check(report.Check{At: end, Name: "continuity", Rule: "gaps + duplicates == 0", Detail: "3 gaps of " + long})
	r.Check(report.Check{At: end, Name: "latency of early viewers", Rule: "p99 <= 2 s", Passed: true, Detail: "p99 1.21 s"})
	r.Check(report.Check{At: end, Name: "memory", Rule: "RSS <= 1 GB", Skipped: "the server is on another machine"})
	return r.Close()
}
