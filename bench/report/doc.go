// Package report is what a bench tool hands on: what was run and where, samples over
// time, distributions, counters, results, checks and events.
//
//	r := report.New(run, report.NewWriter(file))
//	r.Sample(report.Sample{Name: "bitrate", Unit: "bit/s", Labels: report.Labels{"track": "video"}, Value: 6e6})
//	r.Check(report.Check{Name: "no gaps", Rule: "gaps == 0", Passed: gaps == 0, Detail: "3 gaps"})
//	err := r.Close() // Also where a check failed.
//
// A Report sends each record to its sinks as it comes: a file of JSON lines (Writer), a
// Document in memory, from which the sub-packages make pages and pictures, a terminal.
// A Reader gives the same records from a file again. docs/bench-report.md lists the
// names of fields, which are stable.
package report
