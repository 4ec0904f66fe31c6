package main

import (
	"errors"
	"os"

	"github.com/freshet-live/freshet/bench/report/compare"
	"github.com/freshet-live/freshet/bench/report/live"
	"github.com/freshet-live/freshet/bench/report/page"
)

// reportCommand makes pages of a run that is over.
type reportCommand struct {
	File string `arg:"" help:"JSON lines of a bench tool." placeholder:"RUN.jsonl"`
	benchPages
}

func (c reportCommand) Run(con console) error {
	d, err := readReport(c.File)
	if err != nil {
		return err
	}
	if !c.wanted() {
		return live.Summary(con.out, d)
	}
	pages, err := c.open()
	if err != nil {
		return err
	}
	return pages.write(d)
}

// compareCommand says what differs between two runs.
type compareCommand struct {
	A    string `arg:"" help:"JSON lines of the run before." placeholder:"A.jsonl"`
	B    string `arg:"" help:"JSON lines of the run after." placeholder:"B.jsonl"`
	HTML string `name:"html" help:"Write a page: one file, no network." placeholder:"FILE"`
}

func (c compareCommand) Run(con console) error {
	a, err := readReport(c.A)
	if err != nil {
		return err
	}
	b, err := readReport(c.B)
	if err != nil {
		return err
	}
	both := compare.Runs(a, b)
	if c.HTML != "" {
		file, err := os.Create(c.HTML)
		if err != nil {
			return err
		}
		if err := errors.Join(page.WriteComparison(file, both), file.Close()); err != nil {
			return err
		}
	}
	return live.Comparison(con.out, both)
}
