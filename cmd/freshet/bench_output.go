package main

import (
	"io"
	"os"

	"github.com/freshet-live/freshet/bench/report"
)

// benchOutput is where a bench tool's records go: the flags that all have.
type benchOutput struct {
	JSON  string `name:"json" help:"Write JSON lines (docs/bench-report.md)." placeholder:"FILE|-" group:"Reports:"`
	Quiet bool   `help:"No progress on the terminal." short:"q" group:"Reports:"`
}

// Open begins a report of a run, with the version of this program. Close it in any case:
// then files are written, and it gives an error where a check failed.
func (o benchOutput) Open(con console, run report.Run) (*report.Report, error) {
	run.Version = versionName()
	var sinks []report.Sink
	if o.JSON != "" {
		to, err := o.create(con, o.JSON)
		if err != nil {
			return nil, err
		}
		sinks = append(sinks, report.NewWriter(to))
	}
	return report.New(run, sinks...), nil
}

// create opens a file, or standard output, which stays open.
func (benchOutput) create(con console, name string) (io.Writer, error) {
	if name == "-" {
		return struct{ io.Writer }{con.out}, nil
	}
	return os.Create(name)
}
