package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/report/junit"
	"github.com/freshet-live/freshet/bench/report/live"
	"github.com/freshet-live/freshet/bench/report/page"
	"github.com/freshet-live/freshet/bench/report/plot"
)

// benchOutput is where a bench tool's records go: the flags that all have.
type benchOutput struct {
	JSON  string `name:"json" help:"Write JSON lines (docs/bench-report.md)." placeholder:"FILE|-" group:"Reports:"`
	Quiet bool   `help:"No progress on the terminal." short:"q" group:"Reports:"`
	benchPages
}

// benchPages are what is made of a whole run.
type benchPages struct {
	HTML  string `name:"html" help:"Write a page: one file, no network." placeholder:"FILE" group:"Reports:"`
	JUnit string `name:"junit" help:"Write the checks as JUnit XML." placeholder:"FILE" group:"Reports:"`
	PNG   string `name:"png" help:"Write each plot as a picture, for papers." placeholder:"DIR" group:"Reports:"`
}

// Open begins a report of a run, with the version of this program. Close it in any case:
// then files are written, and it gives an error where a check failed.
func (o benchOutput) Open(con console, run report.Run) (*report.Report, error) {
	run.Version = versionName()
	var sinks []report.Sink
	if o.JSON != "" {
		to, err := o.lines(con)
		if err != nil {
			return nil, err
		}
		sinks = append(sinks, report.NewWriter(to))
	}
	if !o.Quiet {
		sinks = append(sinks, withoutResults{live.NewProgress(screenOf(con.err))})
	}
	if o.wanted() {
		pages, err := o.open()
		if err != nil {
			return nil, err
		}
		sinks = append(sinks, pages)
	}
	return report.New(run, sinks...), nil
}

// withoutResults leaves out what each tool shows in a table of its own.
type withoutResults struct{ report.Sink }

func (s withoutResults) Put(r report.Record) error {
	if r.Kind() == (report.Result{}).Kind() {
		return nil
	}
	return s.Sink.Put(r)
}

// lines is where JSON goes: a file, or standard output, which stays open.
func (o benchOutput) lines(con console) (io.Writer, error) {
	if o.JSON == "-" {
		return struct{ io.Writer }{con.out}, nil
	}
	return os.Create(o.JSON)
}

// pages is a Sink that writes files of the whole run in the end.
type pages struct {
	report.Document
	writes []func(*report.Document) error
}

func (p benchPages) wanted() bool { return p.HTML != "" || p.JUnit != "" || p.PNG != "" }

// open makes the files at once: a name that cannot be written is known before the run.
func (p benchPages) open() (*pages, error) {
	out := &pages{}
	for _, f := range []struct {
		name  string
		write func(io.Writer, *report.Document) error
	}{{p.HTML, page.Write}, {p.JUnit, junit.Write}} {
		if f.name == "" {
			continue
		}
		file, err := os.Create(f.name)
		if err != nil {
			return nil, err
		}
		out.writes = append(out.writes, func(d *report.Document) error { return errors.Join(f.write(file, d), file.Close()) })
	}
	if p.PNG != "" {
		if err := os.MkdirAll(p.PNG, 0o755); err != nil { //nolint:gosec // Pictures are for all to see.
			return nil, err
		}
		out.writes = append(out.writes, func(d *report.Document) error { return plot.WritePNG(p.PNG, d) })
	}
	return out, nil
}

// Close writes the files.
func (p *pages) Close() error { return p.write(&p.Document) }

func (p *pages) write(d *report.Document) error {
	errs := make([]error, len(p.writes))
	for i, write := range p.writes {
		errs[i] = write(d)
	}
	return errors.Join(errs...)
}

// screenOf is what progress is shown on.
func screenOf(w io.Writer) *live.Screen {
	return &live.Screen{Out: w, Redraw: terminalOf(w) != nil, Columns: columns(w)}
}

// readReport reads a file of JSON lines.
func readReport(name string) (*report.Document, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	d, err := report.Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}
