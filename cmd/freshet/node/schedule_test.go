package node_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

const (
	// schedules are run where nobody asks for more, which is what CI has time for.
	schedules = 4
	// settled is how long after a step everything has to be as if nothing was: twice the
	// idle time of an uplink, its longest wait, and the time of a dial.
	settled = 15 * time.Second
	// failover is the longest wait for an object where another way is in place.
	failover = 2 * time.Second
	// steppingUp is that of an edge to which no mid answers any more.
	steppingUp = 3 * time.Second
	// termination is how long a node that drains waits for the others to leave; all do
	// within quit.
	termination, quit = 10 * time.Second, 5 * time.Second
)

// step is one thing that happens, and the time that passes after it.
type step struct {
	What  string
	A, B  int
	Pause time.Duration
}

func (s step) String() string { return fmt.Sprintf("%s %d %d, %v", s.What, s.A, s.B, s.Pause) }

var steps = rapid.Custom(func(t *rapid.T) step {
	return step{
		What: rapid.SampledFrom([]string{
			"kill", "kill", "start", "cut", "cut", "heal", "publish", "stop", "move",
			"join", "join slow", "leave", "directory down", "directory up", "isolate", "rejoin",
			"drain", "drain",
		}).Draw(t, "what"),
		A: rapid.IntRange(0, 5).Draw(t, "a"),
		B: rapid.IntRange(0, 5).Draw(t, "b"),
		Pause: rapid.SampledFrom([]time.Duration{
			0, 30 * time.Millisecond, 370 * time.Millisecond, time.Second, 2900 * time.Millisecond,
			6 * time.Second, settled, settled,
		}).Draw(t, "pause"),
	}
})

// TestSchedules does at random what can be done to two origins, two mids, two edges,
// their network and their directory, and checks docs/invariants.md meanwhile.
func TestSchedules(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := flag.Set("rapid.checks", fmt.Sprint(schedules)); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		list := rapid.SliceOfN(steps, 2, 12).Draw(rt, "steps")
		var p *play
		synctest.Test(t, func(t *testing.T) {
			p = newPlay(newWorld(t))
			p.run(list)
		})
		if p.problems != nil {
			log := filepath.Join(os.TempDir(), "schedule.log")
			_ = os.WriteFile(log, []byte(p.w.log.String()), 0o600)
			rt.Fatalf("%v\nlog: %s", p.problems, log)
		}
	})
}
