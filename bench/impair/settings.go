package impair

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Settings are what a person says of a direction, in a file or by flags. What is
// nil says nothing, and leaves in force what was said before.
type Settings struct {
	Delay        *time.Duration `yaml:"delay" help:"One way." placeholder:"50ms"`
	Jitter       *time.Duration `yaml:"jitter" help:"Normal: the standard deviation; uniform: at most, either way; pareto: the mean of a heavy tail, later only." placeholder:"5ms"`
	Distribution *Distribution  `yaml:"distribution" help:"Of the jitter: normal, uniform or pareto." placeholder:"normal"`
	Unordered    *bool          `yaml:"unordered" help:"Jitter may change the order."`
	Loss         *Percent       `yaml:"loss" help:"The share of packets lost." placeholder:"1%"`
	LossBurst    *float64       `yaml:"loss_burst" help:"The mean number of packets lost in a row; without it each is lost for itself." placeholder:"5"`
	Gilbert      *Gilbert       `yaml:"gilbert" help:"Loss by Gilbert and Elliott instead: p, r, and the loss in the good and the bad state." placeholder:"p=1%,r=25%" sep:"none"`
	Rate         *Rate          `yaml:"rate" help:"Of the bottleneck; 0 for none." placeholder:"10mbit"`
	Queue        *QueueSize     `yaml:"queue" help:"The bottleneck's queue, as time or bytes; 100ms where nothing is said." placeholder:"100ms"`
	AQM          *AQM           `yaml:"aqm" name:"aqm" help:"How the queue is kept short: taildrop or codel." placeholder:"codel"`
	MTU          *int           `yaml:"mtu" name:"mtu" help:"Larger IP packets vanish, as in a path MTU black hole." placeholder:"1400"`
	Reorder      *Percent       `yaml:"reorder" help:"The share of packets that are held back and overtaken." placeholder:"1%"`
	ReorderBy    *time.Duration `yaml:"reorder_by" help:"How long such a packet is held back; 10ms where nothing is said." placeholder:"10ms"`
	Duplicate    *Percent       `yaml:"duplicate" help:"The share of packets that come twice." placeholder:"0.1%"`
	Outage       *bool          `yaml:"outage" kong:"-"`
	Stall        *bool          `yaml:"stall" kong:"-"`
}

// Over gives what holds after other has had its say.
func (s Settings) Over(other Settings) Settings {
	if other.Loss != nil {
		s.Gilbert = nil // The later word on loss counts.
	}
	said := reflect.ValueOf(other)
	out := reflect.ValueOf(&s).Elem()
	for i := range said.NumField() {
		if !said.Field(i).IsNil() {
			out.Field(i).Set(said.Field(i))
		}
	}
	return s
}

// String lists what is said, by the names of a file: "delay 50ms, loss 1%".
func (s Settings) String() string {
	var parts []string
	said := reflect.ValueOf(s)
	for i := range said.NumField() {
		if f := said.Field(i); !f.IsNil() {
			parts = append(parts, fmt.Sprint(said.Type().Field(i).Tag.Get("yaml"), " ", f.Elem().Interface()))
		}
	}
	return strings.Join(parts, ", ")
}

// maxDelay bounds all durations: times are sums of a few of them.
const maxDelay = time.Hour

// check names what is out of range.
func (s Settings) check() error {
	var errs []error
	for _, d := range []struct {
		name  string
		value *time.Duration
	}{{"delay", s.Delay}, {"jitter", s.Jitter}, {"reorder_by", s.ReorderBy}} {
		if d.value != nil && (*d.value < 0 || *d.value > maxDelay) {
			errs = append(errs, fmt.Errorf("%s: %v is not between 0 and %v", d.name, *d.value, maxDelay))
		}
	}
	if s.LossBurst != nil && !(*s.LossBurst >= 1 && *s.LossBurst <= 1e6) {
		errs = append(errs, fmt.Errorf("loss_burst: %g is no number of packets from 1 to 1000000", *s.LossBurst))
	}
	if s.MTU != nil && (*s.MTU < 68 || *s.MTU > 65535) { // RFC 791, section 3.2: every host forwards 68.
		errs = append(errs, fmt.Errorf("mtu: %d is not between 68 and 65535", *s.MTU))
	}
	return errors.Join(errs...)
}

// Profile is what is in force in one direction at one time.
type Profile struct {
	Delay, Jitter time.Duration
	Distribution  Distribution
	Unordered     bool
	Gilbert       Gilbert // Independent loss is the same in both states.
	Rate          Rate
	Queue         QueueSize
	AQM           AQM
	MTU           int // 0: any size.
	Reorder       Percent
	ReorderBy     time.Duration
	Duplicate     Percent
	Outage        bool // What arrives is lost.
	Stall         bool // What arrives waits in the queue.

	loss   Percent
	burst  float64
	chosen *Gilbert
}

// nothing is a direction that only carries.
func nothing() Profile {
	return Profile{Distribution: Normal, AQM: TailDrop, ReorderBy: 10 * time.Millisecond, burst: 1}
}

// with is the profile after s has had its say.
func (p Profile) with(s Settings) Profile {
	set(&p.Delay, s.Delay)
	set(&p.Jitter, s.Jitter)
	set(&p.Distribution, s.Distribution)
	set(&p.Unordered, s.Unordered)
	set(&p.Rate, s.Rate)
	set(&p.Queue, s.Queue)
	set(&p.AQM, s.AQM)
	set(&p.MTU, s.MTU)
	set(&p.Reorder, s.Reorder)
	set(&p.ReorderBy, s.ReorderBy)
	set(&p.Duplicate, s.Duplicate)
	set(&p.Outage, s.Outage)
	set(&p.Stall, s.Stall)
	set(&p.loss, s.Loss)
	set(&p.burst, s.LossBurst)
	if s.Loss != nil {
		p.chosen = nil // The later word on loss counts.
	}
	if s.Gilbert != nil {
		p.chosen = s.Gilbert
	}
	p.Gilbert = p.model()
	return p
}

func (p Profile) model() Gilbert {
	switch {
	case p.chosen != nil:
		return *p.chosen
	case p.burst > 1 && p.loss > 0 && p.loss < 1:
		return bursts(p.loss, p.burst)
	}
	return Gilbert{R: 1, Good: p.loss, Bad: p.loss}
}

// check says what does not go together.
func (p Profile) check() error {
	if p.Gilbert.P > 1 {
		return fmt.Errorf("loss_burst: bursts of %g packets cannot lose %v of all", p.burst, p.loss)
	}
	return nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
