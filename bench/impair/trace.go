package impair

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// trace is a recorded link, repeated for ever: opportunities, or changes within a
// period.
type trace struct {
	opportunities *Opportunities
	changes       []change
	period        time.Duration
}

// maxTraceLines bounds the memory of a trace.
const maxTraceLines = 1 << 20

// parseTrace reads a trace. A file that starts with a digit is Mahimahi's: each
// line a time in ms, not falling, at which a packet of 1504 bytes could pass; the
// last is the length. Any other is a table with a header:
//
//	time_s,rate_kbit,delay_ms,jitter_ms,loss_percent
//	0,12000,40,5,0.1
//	2.5,3000,60,10,1
//	4,,,,
//
// A row holds until the next; the last row's time is the length. Of the columns
// only time_s must be there, and an empty field says nothing.
func parseTrace(text []byte) (trace, error) {
	lines := strings.Split(string(bytes.TrimSpace(text)), "\n")
	if len(lines) > maxTraceLines {
		return trace{}, fmt.Errorf("has more than %d lines", maxTraceLines)
	}
	if first := lines[0]; first != "" && first[0] >= '0' && first[0] <= '9' {
		return parseOpportunities(lines)
	}
	return parseTable(lines)
}

func parseOpportunities(lines []string) (trace, error) {
	o := &Opportunities{times: make([]time.Duration, len(lines))}
	for i, line := range lines {
		ms, err := strconv.ParseUint(strings.TrimSpace(line), 10, 32)
		if err != nil {
			return trace{}, fmt.Errorf("line %d: %q is no time in ms", i+1, line)
		}
		o.times[i] = time.Duration(ms) * time.Millisecond
		if i > 0 && o.times[i] < o.times[i-1] {
			return trace{}, fmt.Errorf("line %d: goes back in time", i+1)
		}
	}
	o.period = o.times[len(o.times)-1]
	if o.period == 0 {
		return trace{}, errors.New("ends at 0")
	}
	return trace{opportunities: o}, nil
}

func parseTable(lines []string) (trace, error) {
	header := strings.Split(strings.TrimSpace(lines[0]), ",")
	var out trace
	for i, line := range lines[1:] {
		row, err := parseRow(header, line)
		if err != nil {
			return trace{}, fmt.Errorf("line %d: %w", i+2, err)
		}
		if i == 0 && row.start != 0 {
			return trace{}, errors.New("line 2: the first row is not at 0")
		}
		if i > 0 {
			previous := &out.changes[i-1]
			if row.start <= previous.start {
				return trace{}, fmt.Errorf("line %d: does not go on in time", i+2)
			}
			previous.end = row.start
		}
		out.changes = append(out.changes, row)
	}
	if len(out.changes) < 2 {
		return trace{}, errors.New("has no row with an end: the last row is the end")
	}
	last := len(out.changes) - 1
	out.period, out.changes = out.changes[last].start, out.changes[:last]
	return out, nil
}

func parseRow(header []string, line string) (change, error) {
	fields := strings.Split(strings.TrimSpace(line), ",")
	if len(fields) != len(header) {
		return change{}, fmt.Errorf("has %d fields, the header %d", len(fields), len(header))
	}
	row, timed := change{settings: make([]Settings, 1)}, false
	for i, field := range fields {
		if field = strings.TrimSpace(field); field == "" {
			continue
		}
		v, err := strconv.ParseFloat(field, 64)
		if err != nil || math.IsNaN(v) || v < 0 || v > 1e9 {
			return change{}, fmt.Errorf("%s: %q is no number", header[i], field)
		}
		timed = timed || header[i] == "time_s"
		if err := row.set(header[i], v); err != nil {
			return change{}, err
		}
	}
	if !timed {
		return change{}, errors.New("has no time_s")
	}
	return row, row.settings[0].check()
}

// set takes a field of a row.
func (c *change) set(column string, v float64) error {
	s := &c.settings[0]
	millis := time.Duration(v * float64(time.Millisecond))
	switch column {
	case "time_s":
		c.start = time.Duration(v * float64(time.Second))
	case "rate_kbit":
		if v > maxRate/1e3 {
			return fmt.Errorf("rate_kbit: %g is too much", v)
		}
		s.Rate = new(Rate(v * 1e3))
	case "delay_ms":
		s.Delay = &millis
	case "jitter_ms":
		s.Jitter = &millis
	case "loss_percent":
		if v > 100 {
			return fmt.Errorf("loss_percent: %g is more than all", v)
		}
		s.Loss = new(Percent(v / 100))
	default:
		return fmt.Errorf("unknown column %q; known are time_s, rate_kbit, delay_ms, jitter_ms, loss_percent", column)
	}
	return nil
}

// until repeats the changes of a trace up to a time.
func (t trace) until(end time.Duration) ([]change, error) {
	var out []change
	for base := time.Duration(0); base < end; base += t.period {
		if len(out) > maxTraceLines {
			return nil, errors.New("the trace is repeated too often")
		}
		for _, c := range t.changes {
			c.start, c.end = c.start+base, c.end+base
			out = append(out, c)
		}
	}
	return out, nil
}
