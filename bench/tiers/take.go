package tiers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/freshet-live/freshet/bench/fleet"
)

// took is how long a restart took.
type took struct{ down, up time.Duration }

// take takes a step; a roll has many outcomes, any other one.
func (r *run) take(ctx context.Context, step Step) ([]Outcome, error) {
	if step.Node == Serving {
		node, err := r.servingMid(ctx)
		if err != nil {
			return nil, err
		}
		step.Node = node
	}
	if step.Do != Roll {
		o, err := r.watch(ctx, step)
		return o, err
	}
	var out []Outcome
	for _, name := range fleet.Names() {
		if name == r.origin {
			continue
		}
		o, err := r.watch(ctx, Step{Do: Restart, Node: name, Watch: step.Watch})
		out = append(out, o...)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// watch does what a step says and reports what was seen of it.
func (r *run) watch(ctx context.Context, step Step) ([]Outcome, error) {
	t, err := r.do(ctx, step)
	if err == nil {
		err = pause(ctx, step.Watch)
	}
	if err == nil {
		err = r.alive()
	}
	if err != nil {
		return nil, err
	}
	name := r.name(step)
	o := Outcome{Step: name, Report: r.audience.Report(name), Down: t.down.Seconds(), Up: t.up.Seconds()}
	o.Failed = r.judge(step, o)
	if r.Seen != nil {
		r.Seen(o)
	}
	return []Outcome{o}, nil
}

// name tells a step from those that are the same before it.
func (r *run) name(step Step) string {
	name := step.String()
	r.taken[name]++
	if n := r.taken[name]; n > 1 {
		return fmt.Sprintf("%s (%d)", name, n)
	}
	return name
}

func (r *run) do(ctx context.Context, step Step) (t took, err error) {
	f := r.fleet
	switch step.Do {
	case Kill:
		r.killed[step.Node] = true
		return t, f.Nodes[step.Node].Kill()
	case Start:
		delete(r.killed, step.Node)
		return t, errors.Join(f.Start(ctx, step.Node), f.Settled(ctx))
	case Restart:
		if t.down, t.up, err = f.Restart(ctx, step.Node); err != nil {
			return t, err
		}
		return t, f.Settled(ctx)
	case Partition:
		return t, r.partition(ctx, step)
	case StopDirectory:
		return t, r.stopDirectory(ctx)
	case StartDirectory:
		clear(r.killed)
		return t, errors.Join(f.StartDirectory(), f.Settled(ctx))
	case MoveEncoder:
		_ = r.encoder.Kill() // Ended or not, it is gone.
		r.origin = step.Node
		return t, r.push(ctx)
	case Watch, Roll: // Nothing of its own.
	}
	return t, nil
}

// partition cuts and joins again, whatever happens in between.
func (r *run) partition(ctx context.Context, step Step) error {
	cut := func(out bool) error {
		if step.Peer == "" {
			return r.fleet.Isolate(step.Node, out)
		}
		return r.fleet.Cut(step.Node, step.Peer, out)
	}
	before := r.fleet.Swallowed()
	if err := cut(true); err != nil {
		return err
	}
	err := errors.Join(pause(ctx, step.For), cut(false))
	if err == nil && r.fleet.Swallowed() == before {
		return errors.New("nothing was lost: the links are not cut")
	}
	return err
}

// stopDirectory waits until it is known to be away.
func (r *run) stopDirectory(ctx context.Context) error {
	if r.Scenario.Directory == Embedded {
		for _, name := range fleet.Voters() {
			r.killed[name] = true
		}
	}
	if err := r.fleet.StopDirectory(); err != nil {
		return err
	}
	return r.fleet.DirectoryAway(ctx, fleet.Edges()[0])
}

// servingMid is the mid that most edges get the broadcast from, the same one in all
// steps of a scenario.
func (r *run) servingMid(ctx context.Context) (string, error) {
	if r.serving != "" {
		return r.serving, nil
	}
	most := 0
	for _, mid := range []string{"mid-a", "mid-b"} {
		edges, err := r.fleet.Below(ctx, mid, broadcast)
		if err != nil {
			return "", err
		}
		if len(edges) > most {
			r.serving, most = mid, len(edges)
		}
	}
	if most == 0 {
		return "", errors.New("no edge gets the broadcast from a mid")
	}
	return r.serving, nil
}

// alive tells of a node that ended though nobody asked.
func (r *run) alive() error {
	for _, name := range fleet.Names() {
		if r.killed[name] {
			continue
		}
		select {
		case <-r.fleet.Nodes[name].Done():
			g := r.fleet.Nodes[name]
			return errors.Join(fmt.Errorf("%s ended by itself:\n%s", name, g.Output()), g.Err())
		default:
		}
	}
	select {
	case <-r.encoder.Done():
		return errors.Join(fmt.Errorf("the encoder ended:\n%s", r.encoder.Output()), r.encoder.Err())
	default:
		return nil
	}
}

// ended tells whether a node does not run.
func (r *run) ended(node string) bool {
	select {
	case <-r.fleet.Nodes[node].Done():
		return true
	default:
		return false
	}
}

// judge says what is not as it should be. Viewers who lose their own link may lose
// objects and sessions; nobody else may.
func (r *run) judge(step Step, o Outcome) string {
	switch {
	case step.Do == Kill && !r.ended(step.Node):
		return step.Node + " still runs"
	case o.Watching != o.Viewers:
		return fmt.Sprintf("%d of %d viewers watch", o.Watching, o.Viewers)
	case o.Ended > 0 && !r.own(step):
		return fmt.Sprintf("%d sessions ended", o.Ended)
	case o.Missing+o.Twice > 0 && !r.own(step):
		return fmt.Sprintf("%d objects missing, %d twice", o.Missing, o.Twice)
	case r.Scenario.PauseP99 > 0 && o.Pause.P99 > float64(r.Scenario.PauseP99.Milliseconds()):
		return fmt.Sprintf("pauses of %.0f ms at p99, more than %v", o.Pause.P99, r.Scenario.PauseP99)
	}
	return ""
}

// own tells whether a step takes something from viewers that is theirs: their edge
// without a goodbye, or the link to it.
func (r *run) own(step Step) bool {
	return (step.Do == Kill || step.Do == Partition) &&
		(slices.Contains(fleet.Edges(), step.Node) && (step.Peer == "" || step.Peer == fleet.Outside))
}
