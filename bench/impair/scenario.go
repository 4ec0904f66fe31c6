package impair

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Direction is one of the two of a link.
type Direction int

// Up is from who calls to who is called, Down the way back.
const (
	Up Direction = iota
	Down
)

func (d Direction) String() string { return [...]string{"up", "down"}[d] }

// Scenario is a network that a person wrote down.
type Scenario struct {
	// About says what is modelled, Advice what a contribution over it needs.
	About  string `yaml:"about"`
	Advice string `yaml:"advice"`
	// SRTLatency is the least SRT latency that the scenario calls for.
	SRTLatency time.Duration `yaml:"srt_latency"`
	Links      []Path        `yaml:"links"`
}

// Path is a link of a scenario, both directions.
type Path struct {
	Name string   `yaml:"name"`
	Both Settings `yaml:"both"`
	Up   Settings `yaml:"up"`
	Down Settings `yaml:"down"`
	// Trace, UpTrace and DownTrace are files, beside the scenario's.
	Trace     string `yaml:"trace"`
	UpTrace   string `yaml:"up_trace"`
	DownTrace string `yaml:"down_trace"`
	// Timeline changes the settings; it starts again after Repeat, if that is set.
	Timeline []Step        `yaml:"timeline"`
	Repeat   time.Duration `yaml:"repeat"`

	traces [2]trace
}

// Check names what is wrong with a path.
func (p *Path) Check() error {
	errs := []error{within("both", p.Both.check()), within("up", p.Up.check()), within("down", p.Down.check())}
	if p.Repeat < 0 || p.Repeat > 24*maxDelay {
		errs = append(errs, fmt.Errorf("repeat: %v is not between 0 and %v", p.Repeat, 24*maxDelay))
	}
	if len(p.Timeline) > maxSteps {
		errs = append(errs, fmt.Errorf("timeline: has more than %d steps", maxSteps))
	}
	for i, s := range p.Timeline {
		errs = append(errs, within(fmt.Sprintf("timeline[%d]", i), s.check(p.Repeat)))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, d := range []Direction{Up, Down} {
		if _, err := p.Plan(d); err != nil {
			return fmt.Errorf("%v: %w", d, err)
		}
	}
	return nil
}

const maxSteps = 10000

func (s Step) check(period time.Duration) error {
	errs := []error{within("both", s.Both.check()), within("up", s.Up.check()), within("down", s.Down.check())}
	if s.At < 0 || s.At > 24*maxDelay {
		errs = append(errs, fmt.Errorf("at: %v is not between 0 and %v", s.At, 24*maxDelay))
	}
	if s.For < 0 || s.For > 24*maxDelay {
		errs = append(errs, fmt.Errorf("for: %v is not between 0 and %v", s.For, 24*maxDelay))
	}
	if period > 0 && s.At+s.For > period {
		errs = append(errs, fmt.Errorf("ends at %v, after the timeline repeats (%v)", s.At+s.For, period))
	}
	return errors.Join(errs...)
}

// within puts the name of a part before what is wrong in it.
func within(part string, err error) error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return fmt.Errorf("%s.%w", part, err)
	}
	errs := joined.Unwrap()
	out := make([]error, len(errs))
	for i, e := range errs {
		out[i] = within(part, e)
	}
	return errors.Join(out...)
}

// Plan is what is in force when, in one direction of the path.
func (p *Path) Plan(d Direction) (*Plan, error) {
	own := func(both, up, down Settings) []Settings {
		return []Settings{both, [...]Settings{up, down}[d]}
	}
	base := nothing()
	for _, s := range own(p.Both, p.Up, p.Down) {
		base = base.with(s)
	}
	recorded := p.traces[d]
	if recorded.period > 0 && len(p.Timeline) > 0 && p.Repeat == 0 {
		return nil, errors.New("a trace with a timeline needs repeat: they have to end together")
	}
	period := cmp.Or(p.Repeat, recorded.period)
	var changes []change
	if recorded.period > 0 {
		var err error
		if changes, err = recorded.until(period); err != nil {
			return nil, err
		}
	}
	for _, s := range p.Timeline {
		changes = append(changes, change{s.At, s.end(), own(s.Both, s.Up, s.Down), s.Note})
	}
	return newPlan(base, changes, period, recorded.opportunities)
}
