package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine is enough for a Histogram with all its bins.
const maxLine = 1 << 20

// Reader gives the records of a file of JSON lines. Empty lines, and lines and fields
// of names that it does not know, are skipped: other tools and later ones write them.
type Reader struct {
	lines   *bufio.Scanner
	line    int
	skipped int
}

// NewReader reads from r.
func NewReader(r io.Reader) *Reader {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	return &Reader{lines: lines}
}

// Skipped counts lines of unknown type so far.
func (r *Reader) Skipped() int { return r.skipped }

// Next gives a record, or io.EOF. Its errors name the line.
func (r *Reader) Next() (Record, error) {
	for r.lines.Scan() {
		r.line++
		line := bytes.TrimSpace(r.lines.Bytes())
		if len(line) == 0 {
			continue
		}
		record, err := parse(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", r.line, err)
		}
		if record != nil {
			return record, nil
		}
		r.skipped++
	}
	err := r.lines.Err()
	if err == nil {
		return nil, io.EOF
	}
	if errors.Is(err, bufio.ErrTooLong) {
		err = fmt.Errorf("more than %d bytes", maxLine)
	}
	return nil, fmt.Errorf("line %d: %w", r.line+1, err)
}

// parse reads a line; its record is nil where the type is unknown.
func parse(line []byte) (Record, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, err
	}
	switch head.Type {
	case "":
		return nil, errors.New("no type")
	case "run":
		return as[Run](line)
	case "sample":
		return as[Sample](line)
	case "distribution":
		return as[Distribution](line)
	case "counter":
		return as[Counter](line)
	case "result":
		return as[Result](line)
	case "check":
		return as[Check](line)
	case "event":
		return as[Event](line)
	case "end":
		return as[End](line)
	}
	return nil, nil
}

func as[T Record](line []byte) (Record, error) {
	var record T
	if err := json.Unmarshal(line, &record); err != nil {
		return nil, fmt.Errorf("%s: %w", record.Kind(), err)
	}
	if err := record.valid(); err != nil {
		return nil, fmt.Errorf("%s: %w", record.Kind(), err)
	}
	return record, nil
}
