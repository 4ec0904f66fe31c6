package report

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// ErrFailed is in what Close returns where a check failed.
var ErrFailed = errors.New("checks failed")

// maxErrors are kept of what went wrong with records.
const maxErrors = 10

// Sink takes the records of one run: a Run first, an End last. Calls come one at a
// time. A sink keeps no hold on a run that a slow disk would slow down: tools report a
// few records a second, from a ticker and not from where they measure.
type Sink interface {
	Put(Record) error
	Close() error
}

// Report sends records to sinks. It is safe for concurrent use.
type Report struct {
	// Set by New, then read-only.
	start time.Time

	mu     sync.Mutex
	sinks  []Sink   // Guarded by mu.
	end    End      // Guarded by mu.
	failed []string // Guarded by mu. Checks.
	errs   []error  // Guarded by mu. Some of what went wrong.
	closed bool     // Guarded by mu.
}

// New begins a report. It fills in what run leaves out: format, commit, machine, start.
func New(run Run, sinks ...Sink) *Report {
	run.Format = Format
	run.Commit = cmp.Or(run.Commit, commit())
	if run.Machine == (Machine{}) {
		run.Machine = Here()
	}
	if run.Start.IsZero() {
		run.Start = time.Now()
	}
	r := &Report{start: run.Start, sinks: sinks}
	r.put(run)
	return r
}

// At is t as time since the start, never before it.
func (r *Report) At(t time.Time) Seconds {
	return max(Seconds(t.Sub(r.start).Seconds()), 0)
}

// Sample reports a value of a series.
func (r *Report) Sample(s Sample) {
	r.now(&s.At)
	r.put(s)
}

// Distribution reports how values lay. The caller gives the Histogram away.
func (r *Report) Distribution(d Distribution) {
	r.now(&d.At)
	r.put(d)
}

// Counter reports how often something happened in the whole run.
func (r *Report) Counter(c Counter) {
	r.now(&c.At)
	r.put(c)
}

// Result reports a figure for which the run was made.
func (r *Report) Result(s Result) {
	r.now(&s.At)
	r.put(s)
}

// Check reports whether a rule was kept.
func (r *Report) Check(c Check) {
	r.now(&c.At)
	r.put(c)
}

// Event reports that something happened.
func (r *Report) Event(e Event) {
	r.now(&e.At)
	r.put(e)
}

// Close ends the report and its sinks. It gives what went wrong with records and sinks,
// and an error that is ErrFailed where a check failed. Closing twice is a mistake of no
// consequence.
func (r *Report) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.end.At = r.At(time.Now())
	end := r.end
	r.mu.Unlock()
	r.put(end)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, sink := range r.sinks {
		r.errs = append(r.errs, sink.Close())
	}
	if r.failed != nil {
		r.errs = append(r.errs, fmt.Errorf("%d of %d %w: %s", r.end.Failed, r.end.Checks, ErrFailed, strings.Join(r.failed, "; ")))
	}
	return errors.Join(r.errs...)
}

func (r *Report) now(at *Seconds) {
	if *at == 0 {
		*at = r.At(time.Now())
	}
}

func (r *Report) put(record Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if err := record.valid(); err != nil {
		r.note(fmt.Errorf("report: %s: %w", record.Kind(), err))
		return
	}
	if check, ok := record.(Check); ok {
		r.count(check)
	}
	for _, sink := range r.sinks {
		r.note(sink.Put(record))
	}
}

// note keeps an error. r.mu is held.
func (r *Report) note(err error) {
	if err != nil && len(r.errs) < maxErrors {
		r.errs = append(r.errs, err)
	}
}

// count counts a check. r.mu is held.
func (r *Report) count(c Check) {
	r.end.Checks++
	switch {
	case c.Skipped != "":
		r.end.Skipped++
	case !c.Passed:
		r.end.Failed++
		r.failed = append(r.failed, strings.TrimSuffix(c.Name+": "+c.Detail, ": "))
	}
}
