package tiers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/freshet-live/freshet/bench/fleet"
	"github.com/freshet-live/freshet/bench/impair"
)

// Scenario is what happens to a cluster. People write it as YAML.
type Scenario struct {
	Name  string `yaml:"-"`
	About string `yaml:"about"`
	// Viewers are spread over all edges, half of them over WebTransport and half over
	// raw QUIC.
	Viewers int `yaml:"viewers"`
	// Directory is embedded, in the nodes, or external, a NATS server beside them.
	Directory Directory `yaml:"directory"`
	// Links are those that are not perfect, by their hop.
	Links map[fleet.Hop]Quality `yaml:"links"`
	// PauseP99 is the pause that 99 of 100 viewers may see in any step; 0 for any.
	PauseP99 time.Duration `yaml:"pause_p99"`
	Steps    []Step        `yaml:"steps"`
}

// Directory says where a cluster's directory is.
type Directory string

// The places of a directory.
const (
	Embedded Directory = "embedded"
	External Directory = "external"
)

// Quality is that of all links of a hop.
type Quality struct {
	RTT    time.Duration  `yaml:"rtt"` // Half of it in each direction.
	Jitter time.Duration  `yaml:"jitter"`
	Loss   impair.Percent `yaml:"-"` // In each direction.
	// Text is the loss as it is written.
	Text string `yaml:"loss"`
}

// settings are the quality in each direction.
func (q Quality) settings() impair.Settings {
	delay := q.RTT / 2
	return impair.Settings{Delay: &delay, Jitter: &q.Jitter, Loss: &q.Loss}
}

// Step is something that is done, and watched.
type Step struct {
	Do Action `yaml:"do"`
	// Node is which one; "serving" is the mid that most edges get the broadcast from.
	Node string `yaml:"node"`
	// Peer is the other end of a link; without one all of the node's links are meant.
	Peer string `yaml:"peer"`
	// For is how long a partition lasts.
	For time.Duration `yaml:"for"`
	// Watch is how long the viewers are watched afterwards; 6 s where nothing is said.
	Watch time.Duration `yaml:"watch"`
}

// Action is what is done.
type Action string

// The actions.
const (
	Watch          Action = "watch"           // Nothing.
	Kill           Action = "kill"            // A node ends without a word.
	Start          Action = "start"           // One that was killed comes back.
	Restart        Action = "restart"         // A node drains, ends and comes back.
	Roll           Action = "roll"            // All nodes restart in turn, but the encoder's origin.
	Partition      Action = "partition"       // A link, or all of a node's, lose everything for a while.
	StopDirectory  Action = "stop-directory"  // NATS is killed, or two of three voters are.
	StartDirectory Action = "start-directory" // They come back.
	MoveEncoder    Action = "move-encoder"    // It dies and comes back at another origin.
)

// Serving stands for the mid that most edges get the broadcast from.
const Serving = "serving"

// defaultWatch is longer than a QUIC connection needs to be given up for lost.
const defaultWatch = 6 * time.Second

// The bounds of a scenario.
const (
	maxViewers = 10000
	maxSteps   = 200
	maxWait    = time.Hour
	maxRTT     = 10 * time.Second
)

// Check names what is wrong.
func (s *Scenario) Check() error {
	if key, err := s.check(); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// check names what is wrong, by the key.
func (s *Scenario) check() (key string, err error) {
	switch {
	case s.Viewers < 1 || s.Viewers > maxViewers:
		return "viewers", fmt.Errorf("%d is not between 1 and %d", s.Viewers, maxViewers)
	case s.Directory != Embedded && s.Directory != External:
		return "directory", fmt.Errorf("%q is neither embedded nor external", s.Directory)
	case s.PauseP99 < 0:
		return "pause_p99", fmt.Errorf("%v is less than nothing", s.PauseP99)
	case len(s.Steps) == 0 || len(s.Steps) > maxSteps:
		return "steps", fmt.Errorf("there are %d, it takes 1 to %d", len(s.Steps), maxSteps)
	}
	for hop, q := range s.Links {
		if err := checkLink(hop, q); err != nil {
			return "links." + string(hop), err
		}
	}
	for i, step := range s.Steps {
		if err := step.check(); err != nil {
			return fmt.Sprintf("steps[%d]", i), err
		}
	}
	return "", nil
}

// resolve reads the losses; the key is that of one that is none.
func (s *Scenario) resolve() (key string, err error) {
	for hop, q := range s.Links {
		if q.Text == "" {
			continue
		}
		if err := q.Loss.UnmarshalText([]byte(q.Text)); err != nil {
			return "links." + string(hop) + ".loss", err
		}
		s.Links[hop] = q
	}
	return "", nil
}

func checkLink(hop fleet.Hop, q Quality) error {
	switch {
	case !slices.Contains(fleet.Hops(), hop):
		return fmt.Errorf("there is no such hop; known are %v", fleet.Hops())
	case q.RTT < 0 || q.RTT > maxRTT:
		return fmt.Errorf("rtt: %v is not between 0 and %v", q.RTT, maxRTT)
	case q.Jitter < 0 || q.Jitter > maxRTT:
		return fmt.Errorf("jitter: %v is not between 0 and %v", q.Jitter, maxRTT)
	}
	return nil
}

func (s Step) check() error {
	for name, d := range map[string]time.Duration{"watch": s.Watch, "for": s.For} {
		if d < 0 || d > maxWait {
			return fmt.Errorf("%s: %v is not between 0 and %v", name, d, maxWait)
		}
	}
	if s.Do != Partition && (s.Peer != "" || s.For != 0) {
		return fmt.Errorf("peer and for are of a partition, not of %q", s.Do)
	}
	switch s.Do {
	case Watch, Roll, StopDirectory, StartDirectory:
		if s.Node != "" {
			return fmt.Errorf("%s takes no node", s.Do)
		}
		return nil
	case Kill, Restart, Start:
		return checkNode(s.Node)
	case Partition:
		return s.checkPartition()
	case MoveEncoder:
		if fleet.Tier(s.Node) != "origin" {
			return fmt.Errorf("node: %q is no origin; an encoder moves to one", s.Node)
		}
		return checkNode(s.Node)
	}
	return fmt.Errorf("do: %q is unknown; known are %s", s.Do, actions())
}

func (s Step) checkPartition() error {
	if s.For == 0 {
		return fmt.Errorf("for: a partition needs to end")
	}
	if err := checkNode(s.Node); err != nil {
		return err
	}
	if s.Peer == "" {
		return nil
	}
	node := s.Node
	if node == Serving {
		node = "mid-a" // All mids have the same neighbours.
	}
	if !fleet.Linked(node, s.Peer) {
		return fmt.Errorf("peer: there is no link between %s and %q", s.Node, s.Peer)
	}
	return nil
}

func checkNode(name string) error {
	if name == Serving || slices.Contains(fleet.Names(), name) {
		return nil
	}
	return fmt.Errorf("node: %q is unknown; known are %s and %s", name, strings.Join(fleet.Names(), ", "), Serving)
}

func actions() string {
	all := []Action{Watch, Kill, Start, Restart, Roll, Partition, StopDirectory, StartDirectory, MoveEncoder}
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = string(a)
	}
	return strings.Join(names, ", ")
}

func (s Step) String() string {
	text := string(s.Do)
	if s.Node != "" {
		text += " " + s.Node
	}
	if s.Peer != "" {
		text += " - " + s.Peer
	}
	if s.For > 0 {
		text += " for " + s.For.String()
	}
	return text
}
