package report_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/bench/report"
)

func histogram(values ...float64) *report.Histogram {
	h := &report.Histogram{}
	for _, v := range values {
		h.Add(v)
	}
	return h
}

// Whatever is reported is what a file gives back, in the same order.
func TestRoundTrip(t *testing.T) {
	var file bytes.Buffer
	seen := &report.Document{}
	seed := uint64(math.MaxUint64)
	r := report.New(report.Run{
		Tool: "bench view", Title: "100 viewers", Version: "v1", Seed: &seed, Start: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC),
		Settings: map[string]string{"--viewers": "100", "--note": "two\nlines"},
	}, report.NewWriter(&file), seen)
	r.Sample(report.Sample{At: 1, Name: "bitrate", Unit: "bit/s", Labels: report.Labels{"track": "video"}, Value: 6e6})
	r.Distribution(report.Distribution{At: 2, Round: 1, Name: "latency", Unit: "s", Histogram: histogram(0, 1e-4, .03, .03, -2, 99)})
	r.Distribution(report.Distribution{At: 3, Name: "empty", Histogram: &report.Histogram{}})
	r.Count(report.Counter{At: 4, Name: "gaps", Value: math.MaxInt64})
	r.Result(report.Result{At: 5, Name: "viewers per core", Value: 311.5, Better: report.Higher, Note: "client was idle"})
	r.Check(report.Check{At: 6, Name: "gaps", Rule: "gaps == 0", Detail: "3"})
	r.Check(report.Check{At: 6, Name: "cpu", Rule: "< 1", Skipped: "no /proc"})
	r.Check(report.Check{At: 6, Name: "p99", Rule: "< 1 s", Passed: true})
	r.Event(report.Event{At: 7, Name: "recovered", Subject: "edge-1", Ends: "kill", Detail: "1.2 s"})
	err := r.Close()
	if !errors.Is(err, report.ErrFailed) || err.Error() != "1 of 3 checks failed: gaps: 3" {
		t.Fatalf("closed with %v", err)
	}
	read, err := report.Read(strings.NewReader(file.String() + `{"type":"impair","link":"up"}` + "\n\n"))
	if err != nil {
		t.Fatalf("%v\n%s", err, &file)
	}
	if read.Skipped != 1 || read.End.Checks != 3 || read.End.Failed != 1 || read.End.Skipped != 1 {
		t.Errorf("skipped %d, end %+v", read.Skipped, read.End)
	}
	seen.Skipped = 1
	same := cmp.Options{
		cmp.AllowUnexported(report.Document{}),
		// Bins are written with six digits.
		cmp.Comparer(func(a, b *report.Histogram) bool {
			one, _ := a.MarshalJSON()
			other, _ := b.MarshalJSON()
			return bytes.Equal(one, other)
		}),
	}
	if diff := cmp.Diff(seen, read, same); diff != "" {
		t.Error(diff)
	}
}

// What is no figure or fits no page is left out, and Close says so.
func TestRefusesRecords(t *testing.T) {
	for want, report1 := range map[string]func(*report.Report){
		"sample: value: NaN is no figure":    func(r *report.Report) { r.Sample(report.Sample{Name: "a", Value: math.NaN()}) },
		"sample: name is missing":            func(r *report.Report) { r.Sample(report.Sample{}) },
		"control character":                  func(r *report.Report) { r.Event(report.Event{Name: "\x1b[2J"}) },
		"counter: name has more than 200":    func(r *report.Report) { r.Count(report.Counter{Name: strings.Repeat("n", 201)}) },
		"result: better: \"up\" is neither":  func(r *report.Report) { r.Result(report.Result{Name: "a", Better: "up"}) },
		"check: skipped: not of a check":     func(r *report.Report) { r.Check(report.Check{Name: "a", Passed: true, Skipped: "b"}) },
		"distribution: histogram is missing": func(r *report.Report) { r.Distribution(report.Distribution{Name: "a"}) },
		"distribution: histogram: +Inf": func(r *report.Report) {
			r.Distribution(report.Distribution{Name: "a", Histogram: histogram(math.Inf(1))})
		},
		"17 labels": func(r *report.Report) {
			l := report.Labels{}
			for c := 'a'; c <= 'q'; c++ {
				l[string(c)] = ""
			}
			r.Sample(report.Sample{Name: "a", Labels: l})
		},
	} {
		var file bytes.Buffer
		r := report.New(report.Run{Tool: "t"}, report.NewWriter(&file))
		report1(r)
		if err := r.Close(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if n := strings.Count(file.String(), "\n"); n != 2 {
			t.Errorf("%d lines: %s", n, &file)
		}
	}
}

// Many goroutines report at once: no line is lost or broken.
func TestConcurrent(t *testing.T) {
	var file bytes.Buffer
	r := report.New(report.Run{Tool: "t"}, report.NewWriter(&file))
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for i := range 100 {
				r.Sample(report.Sample{Name: "n", Value: float64(i)})
			}
		})
	}
	workers.Wait()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := report.Read(&file)
	if err != nil || len(d.Samples) != 800 || d.End == nil {
		t.Errorf("%v, %d samples", err, len(d.Samples))
	}
}

func TestReadRefuses(t *testing.T) {
	const run = `{"type":"run","format":1,"tool":"t","machine":{"cores":1},"start":"2026-11-26T12:00:00Z"}` + "\n"
	for file, want := range map[string]string{
		"":                          "no line of type run",
		`{"type":"impair"}`:         "no line of type run",
		"x":                         "line 1: invalid character",
		`{"a":1}`:                   "line 1: no type",
		`{"type":"run","format":2}`: "format: 2; this program reads 1",
		`{"type":"run","format":1}`: "line 1: run: tool is missing",
		`{"type":"end","at":1}`:     "line 1: a end before the run",
		run + run:                   "line 2: a second run",
		run + `{"type":"end"}` + "\n" + `{"type":"counter","name":"a","value":1}`:                           "line 3: a counter after the end",
		run + `{"type":"sample","name":"a","value":"1"}`:                                                    "line 2: sample: json",
		run + `{"type":"sample","name":"a","at":-1}`:                                                        "line 2: sample: at: -1 is no time",
		run + `{"type":"counter","name":"a","value":1.5}`:                                                   "line 2: counter: json",
		run + `{"type":"distribution","name":"a"}`:                                                          "histogram is missing",
		run + `{"type":"distribution","name":"a","histogram":{"count":2,"min":1,"max":1,"bins":[[1,1]]}}`:   "bins do not fit",
		run + `{"type":"distribution","name":"a","histogram":{"count":1,"min":5,"max":5,"bins":[[1,1]]}}`:   "bins do not fit",
		run + `{"type":"distribution","name":"a","histogram":{"count":-1,"min":1,"max":1,"bins":[[1,-1]]}}`: "bins do not fit",
		run + `{"type":"distribution","name":"a","histogram":{"count":1,"min":1,"max":1,"bins":[[1,1,1]]}}`: "a bin is [value, count]",
		run + `{"type":"distribution","name":"a","histogram":{"count":1,"min":1,"max":1,"bins":[[1,1e3]]}}`: "bin: strconv",
		run + "\n" + strings.Repeat("x", 1<<20+1):                                                           "line 3: more than 1048576 bytes",
	} {
		if _, err := report.Read(strings.NewReader(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.150s: %v, want %s", file, err, want)
		}
	}
}

// Quantiles over six orders of magnitude are those of the sorted values, within
// Accuracy, also after merging and through a file.
func TestHistogramQuantiles(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, 20000)
	parts := [4]report.Histogram{}
	for i := range values {
		values[i] = math.Pow(10, dice.Float64()*6-5)
		parts[i%4].Add(values[i])
	}
	slices.Sort(values)
	whole := &report.Histogram{}
	for i := range parts {
		whole.Merge(&parts[i])
	}
	line, err := whole.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var read report.Histogram
	if err := read.UnmarshalJSON(line); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bins, %d bytes", len(whole.Bins()), len(line))
	for _, h := range []*report.Histogram{whole, &read} {
		if h.Count() != 20000 || h.Min() != values[0] || h.Max() != values[len(values)-1] || h.Quantile(1) != h.Max() {
			t.Errorf("%d values from %v to %v", h.Count(), h.Min(), h.Max())
		}
		for _, q := range []float64{0, .001, .5, .9, .99, .999} {
			want := values[max(int(math.Ceil(q*float64(len(values))))-1, 0)]
			if got := h.Quantile(q); math.Abs(got-want) > want*report.Accuracy*1.001 {
				t.Errorf("quantile %v is %v, not %v", q, got, want)
			}
		}
	}
}

// Since is what came between two looks, and its ends are those of what came.
func TestHistogramSince(t *testing.T) {
	h := histogram(1, -2)
	before := h.Clone()
	for _, v := range []float64{1, .010, -.5} {
		h.Add(v)
	}
	got := h.Since(before)
	near := func(a, b float64) bool { return math.Abs(a-b) <= math.Abs(b)*report.Accuracy*1.001 }
	if got.Count() != 3 || !near(got.Sum(), .51) || !near(got.Min(), -.5) || !near(got.Max(), 1) || !near(got.Quantile(.5), .01) {
		t.Errorf("count %d, sum %v, from %v to %v, median %v", got.Count(), got.Sum(), got.Min(), got.Max(), got.Quantile(.5))
	}
	h.Add(7)
	if got := h.Since(before); got.Max() != 7 {
		t.Errorf("the new greatest is %v", got.Max())
	}
	if got := h.Since(h.Clone()); got.Count() != 0 || got.Quantile(.99) != 0 || got.Mean() != 0 {
		t.Errorf("nothing came: %d", got.Count())
	}
	if got := h.Since(nil); got.Count() != 6 || got.Max() != 7 {
		t.Errorf("of all: %d up to %v", got.Count(), got.Max())
	}
}

func FuzzReader(f *testing.F) {
	var file bytes.Buffer
	r := report.New(report.Run{Tool: "t", Settings: map[string]string{"a": "b"}}, report.NewWriter(&file))
	r.Sample(report.Sample{Name: "a", Labels: report.Labels{"b": "c"}, Value: 1})
	r.Distribution(report.Distribution{Name: "a", Histogram: histogram(0, -1, 1e-9, 1e9)})
	r.Count(report.Counter{Name: "a", Value: 1})
	r.Result(report.Result{Name: "a", Better: report.Lower})
	r.Check(report.Check{Name: "a"})
	r.Event(report.Event{Name: "a", Ends: "b"})
	_ = r.Close()
	f.Add(file.Bytes())
	for line := range bytes.Lines(file.Bytes()) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := report.Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		// What is read can be written, and is the same when read again.
		var out bytes.Buffer
		w := report.NewWriter(&out)
		for _, record := range d.Records() {
			if err := w.Put(record); err != nil {
				t.Fatal(err)
			}
		}
		again, err := report.Read(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		var twice bytes.Buffer
		w = report.NewWriter(&twice)
		for _, record := range again.Records() {
			_ = w.Put(record)
		}
		if out.String() != twice.String() {
			t.Errorf("%s\n%s", &out, &twice)
		}
	})
}
