package report

import (
	"maps"
	"slices"
	"strings"
)

// Record is a line: a Run, Sample, Distribution, Counter, Result, Check, Event or End.
type Record interface {
	// Kind is the type of the line.
	Kind() string
	valid() error
}

// Seconds is a time since the run's Start. In what a Report is given zero means now.
type Seconds float64

// Labels tell the series of one name apart: the track, the region, the class of viewer.
type Labels map[string]string

// String lists labels by key, as "region=eu track=video".
func (l Labels) String() string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(l)) {
		out = append(out, key+"="+l[key])
	}
	return strings.Join(out, " ")
}

// Sample is a value of a series at a time.
//
// Units are "s", "B", "bit/s", "1/s", "%" and "" for plain numbers, which pages scale
// (ms, MB, Mbit/s); any other is printed as it is.
type Sample struct {
	At     Seconds `json:"at"`
	Name   string  `json:"name"`
	Unit   string  `json:"unit,omitempty"`
	Labels Labels  `json:"labels,omitempty"`
	Value  float64 `json:"value"`
}

// Distribution is how values lay, in the time before At. One name and labels may come
// many times, for intervals or rounds: their sum is the whole, and their number is what
// a comparison has to judge by.
type Distribution struct {
	At        Seconds    `json:"at"`
	Round     int        `json:"round,omitempty"` // From 1; 0 where there are no rounds.
	Name      string     `json:"name"`
	Unit      string     `json:"unit,omitempty"`
	Labels    Labels     `json:"labels,omitempty"`
	Histogram *Histogram `json:"histogram"`
}

// Counter is how often something happened in the whole run.
type Counter struct {
	At     Seconds `json:"at"`
	Name   string  `json:"name"`
	Unit   string  `json:"unit,omitempty"`
	Labels Labels  `json:"labels,omitempty"`
	Value  int64   `json:"value"`
}

// Better says which way a Result improves.
type Better string

// A Result is better when lower, when higher, or neither.
const (
	Lower  Better = "lower"
	Higher Better = "higher"
)

// Result is a figure for which the run was made.
type Result struct {
	At     Seconds `json:"at"`
	Round  int     `json:"round,omitempty"` // From 1; 0 where there are no rounds.
	Name   string  `json:"name"`
	Unit   string  `json:"unit,omitempty"`
	Labels Labels  `json:"labels,omitempty"`
	Value  float64 `json:"value"`
	Better Better  `json:"better,omitempty"`
	Note   string  `json:"note,omitempty"` // What limits or explains it.
}

// Check is a rule, and whether the run kept it.
type Check struct {
	At     Seconds `json:"at"`
	Name   string  `json:"name"`
	Rule   string  `json:"rule"` // "p99 of latency <= 500 ms".
	Passed bool    `json:"passed"`
	// Skipped says why the rule could not be judged; Passed is false then.
	Skipped string `json:"skipped,omitempty"`
	Detail  string `json:"detail,omitempty"` // What was seen: "p99 612 ms".
}

// Failed reports whether the rule was judged and broken.
func (c Check) Failed() bool { return !c.Passed && c.Skipped == "" }

// Event is something that happened to a subject: a kill, its recovery.
type Event struct {
	At      Seconds `json:"at"`
	Name    string  `json:"name"`
	Subject string  `json:"subject,omitempty"` // "edge-2", "eu to us".
	Detail  string  `json:"detail,omitempty"`
	// Ends names the event of the same subject that is over with this one, such as
	// "kill" with "recovered": the time between is a bar on the timeline.
	Ends string `json:"ends,omitempty"`
}

// End is the last line; without it the run was cut short.
type End struct {
	At      Seconds `json:"at"`
	Checks  int     `json:"checks"`
	Failed  int     `json:"failed"`
	Skipped int     `json:"skipped"`
}

// Kind is "run".
func (Run) Kind() string { return "run" }

// Kind is "sample".
func (Sample) Kind() string { return "sample" }

// Kind is "distribution".
func (Distribution) Kind() string { return "distribution" }

// Kind is "counter".
func (Counter) Kind() string { return "counter" }

// Kind is "result".
func (Result) Kind() string { return "result" }

// Kind is "check".
func (Check) Kind() string { return "check" }

// Kind is "event".
func (Event) Kind() string { return "event" }

// Kind is "end".
func (End) Kind() string { return "end" }
