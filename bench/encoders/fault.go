package encoders

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind is what goes wrong.
type Kind string

// The kinds of faults.
const (
	// Kill ends the connection; the encoder comes back after Fault.For. What it would
	// have sent meanwhile is lost, and its clocks go on.
	Kill Kind = "kill"
	// Stall: the encoder stands still for that long, as its process stopped, and then
	// goes on where it was.
	Stall Kind = "stall"
	// Jump moves all clocks by Fault.By, from then on.
	Jump Kind = "pts-jump"
	// Corrupt damages a byte in Fault.Share of the packets.
	Corrupt Kind = "corrupt"
	// Drift makes the encoder's clock fast by Fault.PPM: it sends what it made earlier
	// than the time of day has it, while its timestamps stay as they are.
	Drift Kind = "drift"
)

// Fault is something that goes wrong at a time. In text:
//
//	TIME kill [DURATION]
//	TIME stall DURATION
//	TIME pts-jump +DURATION | -DURATION
//	TIME corrupt PERCENT [for DURATION]
//	TIME drift PPM [for DURATION]
//
// each with "every DURATION" and "@N", in this order, for what comes again and what
// befalls the Nth encoder alone: "30s corrupt 1% for 5s every 1m @3".
type Fault struct {
	At   time.Duration
	Kind Kind
	// For is how long it lasts; zero is for ever, where that makes sense.
	For   time.Duration
	By    time.Duration
	Share float64 // From 0 to 1.
	PPM   float64
	Every time.Duration // Zero for once.
	// Encoder is whom it befalls, from 1 on; zero for all.
	Encoder int
}

const (
	// away is how long an encoder is killed for where nothing is said.
	away = time.Second
	// longest keeps sums of times in range.
	longest = 1000 * time.Hour
	// soonest is the shortest time from a fault to its repetition.
	soonest = 100 * time.Millisecond
	maxPPM  = 100_000
)

// UnmarshalText reads a fault.
func (f *Fault) UnmarshalText(text []byte) error {
	r := reader{fields: strings.Fields(string(text))}
	var out Fault
	out.At = r.duration("a time", 0)
	out.Kind = Kind(r.word())
	switch out.Kind {
	case Kill:
		out.For = away
		if _, err := time.ParseDuration(r.peek()); err == nil {
			out.For = r.duration("kill", time.Millisecond)
		}
	case Stall:
		out.For = r.duration("stall", time.Millisecond)
	case Jump:
		out.By = r.signed()
	case Corrupt:
		out.Share = r.share()
		out.For = r.option("for", time.Millisecond)
	case Drift:
		out.PPM = r.ppm()
		out.For = r.option("for", time.Millisecond)
	default:
		r.fail("%q is none of kill, stall, pts-jump, corrupt and drift", out.Kind)
	}
	out.Every = r.option("every", soonest)
	out.Encoder = r.encoder()
	if len(r.fields) > 0 {
		r.fail("%q is not understood", strings.Join(r.fields, " "))
	}
	if out.Every > 0 && out.For >= out.Every {
		r.fail("it lasts %v and comes every %v", out.For, out.Every)
	}
	if r.err != nil {
		return fmt.Errorf("fault %q: %w", text, r.err)
	}
	*f = out
	return nil
}

// String is the text that UnmarshalText reads.
func (f Fault) String() string {
	out := f.At.String() + " " + string(f.Kind)
	switch f.Kind {
	case Kill, Stall:
		out += " " + f.For.String()
	case Jump:
		sign := ""
		if f.By > 0 {
			sign = "+"
		}
		out += " " + sign + f.By.String()
	case Corrupt:
		out += " " + strconv.FormatFloat(f.Share*100, 'g', -1, 64) + "%"
	case Drift:
		out += " " + strconv.FormatFloat(f.PPM, 'g', -1, 64) + "ppm"
	}
	if f.For > 0 && (f.Kind == Corrupt || f.Kind == Drift) {
		out += " for " + f.For.String()
	}
	if f.Every > 0 {
		out += " every " + f.Every.String()
	}
	if f.Encoder > 0 {
		out += " @" + strconv.Itoa(f.Encoder)
	}
	return out
}

// reader takes words; its first error stays.
type reader struct {
	fields []string
	err    error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) peek() string {
	if len(r.fields) == 0 {
		return ""
	}
	return r.fields[0]
}

func (r *reader) word() string {
	w := r.peek()
	if len(r.fields) > 0 {
		r.fields = r.fields[1:]
	}
	return w
}

func (r *reader) duration(what string, least time.Duration) time.Duration {
	w := r.word()
	d, err := time.ParseDuration(w)
	if err != nil || d < least || d > longest {
		r.fail("%s: %q is no duration from %v on", what, w, least)
	}
	return d
}

// option reads "name DURATION" if it is there.
func (r *reader) option(name string, least time.Duration) time.Duration {
	if r.peek() != name {
		return 0
	}
	r.word()
	return r.duration(name, least)
}

func (r *reader) signed() time.Duration {
	w := r.word()
	d, err := time.ParseDuration(w)
	if err != nil || d == 0 || d.Abs() > longest || w[0] != '+' && w[0] != '-' {
		r.fail("pts-jump: %q is no duration such as +10s or -5s", w)
	}
	return d
}

func (r *reader) share() float64 {
	w := r.word()
	number, ok := strings.CutSuffix(w, "%")
	v, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(v >= 0 && v <= 100) {
		r.fail("corrupt: %q is no share such as 1%%", w)
	}
	return v / 100
}

func (r *reader) ppm() float64 {
	w := r.word()
	number, ok := strings.CutSuffix(w, "ppm")
	v, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(v >= -maxPPM && v <= maxPPM) {
		r.fail("drift: %q is no drift such as +200ppm, at most %d", w, maxPPM)
	}
	return v
}

func (r *reader) encoder() int {
	number, ok := strings.CutPrefix(r.peek(), "@")
	if !ok {
		return 0
	}
	r.word()
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 {
		r.fail("@%s is no encoder: they count from 1", number)
	}
	return n
}

// Frequency is how often something happens a second; in text "6/m", with s, m or h.
type Frequency float64

// UnmarshalText reads "6/m".
func (f *Frequency) UnmarshalText(text []byte) error {
	number, unit, _ := strings.Cut(string(text), "/")
	seconds, ok := map[string]float64{"s": 1, "m": 60, "h": 3600}[unit]
	v, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(v >= 0 && v <= 1e6) {
		return fmt.Errorf("%q is no frequency such as 6/m, with s, m or h", text)
	}
	*f = Frequency(v / seconds)
	return nil
}
