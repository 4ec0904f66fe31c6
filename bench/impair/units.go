package impair

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Percent is a share, from 0 to 1; in text with its sign: "0.5%".
type Percent float64

// UnmarshalText reads "0.5%".
func (p *Percent) UnmarshalText(text []byte) error {
	number, ok := strings.CutSuffix(string(text), "%")
	v, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(v >= 0 && v <= 100) {
		return fmt.Errorf("%q is no percentage from 0%% to 100%%", text)
	}
	*p = Percent(v / 100)
	return nil
}

func (p Percent) String() string { return strconv.FormatFloat(float64(p)*100, 'g', 4, 64) + "%" }

// Rate is in bits a second of IP packets; in text as tc has it: "10mbit".
type Rate int64

// maxRate keeps products with nanoseconds and bytes within 64 bits.
const maxRate = 100e9

// UnmarshalText reads "800kbit", "10mbit", "1gbit"; "0" is no limit.
func (r *Rate) UnmarshalText(text []byte) error {
	v, err := scaled(string(text), map[string]float64{"bit": 1, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9})
	if err != nil || v > maxRate || (v > 0 && v < 1) {
		return fmt.Errorf("%q is no rate such as 800kbit, 10mbit or 1gbit", text)
	}
	*r = Rate(v)
	return nil
}

func (r Rate) String() string {
	switch {
	case r == 0:
		return "no limit"
	case r >= 1e6:
		return strconv.FormatFloat(float64(r)/1e6, 'g', 4, 64) + " Mbit/s"
	}
	return strconv.FormatFloat(float64(r)/1e3, 'g', 4, 64) + " kbit/s"
}

// takes is how long size bytes keep a line of this rate busy.
func (r Rate) takes(size int) time.Duration {
	if r == 0 {
		return 0
	}
	return time.Duration(float64(size) * 8 * float64(time.Second) / float64(r))
}

// QueueSize is the room of a queue, as time at the rate of the line or in bytes;
// in text "100ms" or "256kB".
type QueueSize struct {
	Time  time.Duration
	Bytes int
}

// maxQueue bounds what a queue may hold in memory.
const maxQueue = 1 << 30

// UnmarshalText reads "100ms" or "256kB".
func (q *QueueSize) UnmarshalText(text []byte) error {
	if v, err := scaled(string(text), map[string]float64{"B": 1, "kB": 1e3, "MB": 1e6}); err == nil && v >= 1 && v <= maxQueue {
		*q = QueueSize{Bytes: int(v)}
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 || d > time.Hour {
		return fmt.Errorf("%q is no size of a queue such as 100ms or 256kB", text)
	}
	*q = QueueSize{Time: d}
	return nil
}

// scaled reads a number with one of the units; a bare 0 needs none.
func scaled(text string, units map[string]float64) (float64, error) {
	if text == "0" {
		return 0, nil
	}
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit, ok := units[text[len(digits):]]
	v, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(v >= 0) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is no number with a unit", text)
	}
	return v * unit, nil
}

// Gilbert is the loss model of Gilbert and Elliott: before each packet the
// channel goes from its good state to the bad one with chance P, back with R, and
// then loses the packet with the chance of its state. In text "p=1%,r=25%", with
// "good=0%" and "bad=100%" where they differ from that.
type Gilbert struct {
	P, R, Good, Bad Percent
}

// UnmarshalText reads "p=1%,r=25%,good=0.1%,bad=80%".
func (g *Gilbert) UnmarshalText(text []byte) error {
	read := Gilbert{Bad: 1}
	fields := map[string]*Percent{"p": &read.P, "r": &read.R, "good": &read.Good, "bad": &read.Bad}
	for part := range strings.SplitSeq(string(text), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		field, ok := fields[name]
		if !ok || field.UnmarshalText([]byte(value)) != nil {
			return fmt.Errorf("%q is no Gilbert-Elliott model such as p=1%%,r=25%%,good=0%%,bad=100%%", text)
		}
	}
	if read.P > 0 && read.R == 0 {
		return fmt.Errorf("%q never leaves its bad state: r is missing", text)
	}
	*g = read
	return nil
}

// Mean is the share of packets lost in the long run.
func (g Gilbert) Mean() Percent {
	if g.P == 0 {
		return g.Good
	}
	bad := g.P / (g.P + g.R)
	return bad*g.Bad + (1-bad)*g.Good
}

// bursts is the model with a mean loss and a mean length of its bursts, in
// packets: all is lost in the bad state, nothing in the good one.
func bursts(loss Percent, length float64) Gilbert {
	r := 1 / length
	return Gilbert{P: Percent(r * float64(loss) / (1 - float64(loss))), R: Percent(r), Bad: 1}
}

// Distribution is the shape of jitter.
type Distribution string

// The distributions of jitter; see Settings.Jitter for the scale of each.
const (
	Normal  Distribution = "normal"
	Uniform Distribution = "uniform"
	Pareto  Distribution = "pareto"
)

// UnmarshalText reads a distribution's name.
func (d *Distribution) UnmarshalText(text []byte) error {
	switch read := Distribution(text); read {
	case Normal, Uniform, Pareto:
		*d = read
		return nil
	}
	return fmt.Errorf("%q is no distribution; known are normal, uniform, pareto", text)
}

// AQM is how a queue is kept short.
type AQM string

// The ways to keep a queue short.
const (
	TailDrop AQM = "taildrop"
	CoDel    AQM = "codel" // RFC 8289
)

// UnmarshalText reads an AQM's name.
func (a *AQM) UnmarshalText(text []byte) error {
	switch read := AQM(text); read {
	case TailDrop, CoDel:
		*a = read
		return nil
	}
	return fmt.Errorf("%q is no AQM; known are taildrop, codel", text)
}

// Interval is a time and a length; in text "5s+1s".
type Interval struct {
	At, For time.Duration
}

// UnmarshalText reads "5s+1s".
func (i *Interval) UnmarshalText(text []byte) error {
	start, length, _ := strings.Cut(string(text), "+")
	at, err := time.ParseDuration(start)
	duration, err2 := time.ParseDuration(length)
	if err != nil || err2 != nil || at < 0 || duration <= 0 {
		return fmt.Errorf("%q is no start and length such as 5s+1s", text)
	}
	*i = Interval{at, duration}
	return nil
}
