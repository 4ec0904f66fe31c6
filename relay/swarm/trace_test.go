package swarm_test

import (
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

// trace records what one viewer was told and what it wanted.
type trace struct{ steps []tracedStep }

type tracedStep struct {
	Now     int64          `json:"now"`
	Event   swarm.Event    `json:"event"`
	Actions []swarm.Action `json:"actions"`
}

func (t *trace) record(now time.Duration, e swarm.Event, actions []swarm.Action) {
	if t == nil {
		return
	}
	t.steps = append(t.steps, tracedStep{now.Microseconds(), e, append([]swarm.Action{}, actions...)})
}
