package report

import (
	"errors"
	"fmt"
	"io"
)

// maxRecords bounds a Document read from a file: eleven days of one a second.
const maxRecords = 1_000_000

// Document is a whole run in memory, and a Sink.
type Document struct {
	Run           Run
	Samples       []Sample
	Distributions []Distribution
	Counters      []Counter
	Results       []Result
	Checks        []Check
	Events        []Event
	End           *End // Nil where the run was cut short.
	// Skipped are lines of unknown type in the file.
	Skipped int

	begun   bool
	records int
}

// Read reads a file of JSON lines.
func Read(r io.Reader) (*Document, error) {
	d, reader := &Document{}, NewReader(r)
	for {
		record, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := d.Put(record); err != nil {
			return nil, fmt.Errorf("line %d: %w", reader.line, err)
		}
	}
	if !d.begun {
		return nil, errors.New("no line of type run: this is no report")
	}
	d.Skipped = reader.Skipped()
	return d, nil
}

// Put adds a record. A Run is the first and an End the last.
func (d *Document) Put(record Record) error {
	run, begins := record.(Run)
	switch {
	case begins && d.begun:
		return errors.New("a second run; a file holds one")
	case !begins && !d.begun:
		return fmt.Errorf("a %s before the run", record.Kind())
	case d.End != nil:
		return fmt.Errorf("a %s after the end", record.Kind())
	case d.records >= maxRecords:
		return fmt.Errorf("more than %d records", maxRecords)
	}
	d.records++
	switch v := record.(type) {
	case Run:
		d.Run, d.begun = run, true
	case Sample:
		d.Samples = append(d.Samples, v)
	case Distribution:
		d.Distributions = append(d.Distributions, v)
	case Counter:
		d.Counters = append(d.Counters, v)
	case Result:
		d.Results = append(d.Results, v)
	case Check:
		d.Checks = append(d.Checks, v)
	case Event:
		d.Events = append(d.Events, v)
	case End:
		d.End = &v
	}
	return nil
}

// Close does nothing: a Document is there to be looked at afterwards.
func (*Document) Close() error { return nil }

// Records are those of a Document, by kind.
func (d *Document) Records() []Record {
	out := []Record{d.Run}
	out = appendAll(out, d.Samples)
	out = appendAll(out, d.Distributions)
	out = appendAll(out, d.Counters)
	out = appendAll(out, d.Results)
	out = appendAll(out, d.Checks)
	out = appendAll(out, d.Events)
	if d.End != nil {
		out = append(out, *d.End)
	}
	return out
}

func appendAll[T Record](to []Record, from []T) []Record {
	for _, record := range from {
		to = append(to, record)
	}
	return to
}
