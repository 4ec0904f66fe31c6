package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
)

// Start starts nodes at the same time: a voter waits for the others. They live until
// they are told to end, whatever becomes of ctx.
func (f *Fleet) Start(ctx context.Context, names ...string) error {
	started := make(chan error, len(names))
	for _, name := range names {
		go func() { started <- f.Nodes[name].Start(context.WithoutCancel(ctx)) }() // Waited for below.
	}
	errs := make([]error, len(names))
	for i := range names {
		errs[i] = <-started
	}
	return errors.Join(errs...)
}

// within asks until a condition holds, and gives its last complaint if it never does.
func within(ctx context.Context, limit time.Duration, condition func(context.Context) error) error {
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := condition(timed)
		if err == nil {
			return nil
		}
		select {
		case <-timed.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("not within %v: %w", limit, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// settleWithin is long enough for a directory whose voters have all just started.
const settleWithin = 30 * time.Second

// Settled waits until the directory answers and every node sees all others.
func (f *Fleet) Settled(ctx context.Context) error {
	for _, name := range Names() {
		err := within(ctx, settleWithin, func(ctx context.Context) error {
			state, err := rig.Get(ctx, f.Nodes[name].Operator("/v1/cluster"))
			if err != nil {
				return err
			}
			var c struct {
				Health string
				Nodes  []struct{ ID string }
			}
			if err := json.Unmarshal([]byte(state), &c); err != nil {
				return err
			}
			if c.Health != "ok" || len(c.Nodes) != len(f.Nodes) {
				return fmt.Errorf("%s sees %d nodes, health %q", name, len(c.Nodes), c.Health)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("the cluster does not settle: %w", err)
		}
	}
	return nil
}

// drainWithin is a little more than the longest deadline of the examples.
const drainWithin = 70 * time.Second

// Restart ends a node in good order and starts it again. It tells how long it took
// until it had ended, and until it was ready again.
func (f *Fleet) Restart(ctx context.Context, name string) (down, up time.Duration, err error) {
	began := time.Now()
	if err := f.Nodes[name].Signal(syscall.SIGTERM); err != nil {
		return 0, 0, err
	}
	select {
	case <-f.Nodes[name].Done():
	case <-time.After(drainWithin):
		return 0, 0, fmt.Errorf("%s does not end", name)
	case <-ctx.Done():
		return 0, 0, context.Cause(ctx)
	}
	down = time.Since(began)
	err = f.Start(ctx, name)
	return down, time.Since(began), err
}

// Parent is where a node gets a broadcast from.
func (f *Fleet) Parent(ctx context.Context, node, broadcast string) (string, error) {
	text, err := rig.Get(ctx, f.Nodes[node].Operator("/v1/relay"))
	if err != nil {
		return "", err
	}
	var state struct {
		Broadcasts []struct{ Name, Parent string }
	}
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		return "", err
	}
	for _, b := range state.Broadcasts {
		if b.Name == broadcast {
			return b.Parent, nil
		}
	}
	return "", fmt.Errorf("%s does not know %s: %s", node, broadcast, text)
}

// Below are the edges that get a broadcast from this mid.
func (f *Fleet) Below(ctx context.Context, mid, broadcast string) ([]string, error) {
	var out []string
	for _, edge := range Edges() {
		parent, err := f.Parent(ctx, edge, broadcast)
		if err != nil {
			return nil, err
		}
		if parent == "moqt://"+f.Nodes[mid].QUIC() {
			out = append(out, edge)
		}
	}
	return out, nil
}

// Serves waits until every edge has a broadcast.
func (f *Fleet) Serves(ctx context.Context, broadcast string) error {
	for _, edge := range Edges() {
		err := within(ctx, settleWithin, func(ctx context.Context) error {
			_, err := rig.Get(ctx, f.Nodes[edge].HTTP("/"+broadcast+"/video/index.m3u8"))
			return err
		})
		if err != nil {
			return fmt.Errorf("%s does not serve %s: %w", edge, broadcast, err)
		}
	}
	return nil
}

// endWithin is for all nodes together to end, once they were told twice.
const endWithin = 5 * time.Second

// stop ends all nodes at the same time. One whose children were killed drains until
// it knows, and is told a second time, which means now.
func (f *Fleet) stop() error {
	running := f.running()
	for range 2 {
		for _, g := range running {
			_ = g.Signal(syscall.SIGTERM) // Whether it ended is looked at below.
		}
		if len(running) > 0 {
			time.Sleep(time.Second) // Two signals at the same moment are one to the kernel.
		}
	}
	var errs []error
	deadline := time.After(endWithin)
	for _, g := range running {
		select {
		case <-g.Done():
		case <-deadline:
			deadline = time.After(0) // The others have had their time, too.
			errs = append(errs, fmt.Errorf("%s does not end", g.Name()), end(g))
		}
		if out := g.Output(); strings.Contains(out, "panic:") {
			errs = append(errs, fmt.Errorf("%s panicked:\n%s", g.Name(), out))
		}
	}
	return errors.Join(errs...)
}

// running are the nodes that were started.
func (f *Fleet) running() []*rig.Gateway {
	var out []*rig.Gateway
	for _, name := range Names() {
		if g := f.Nodes[name]; g != nil && g.Process != nil {
			out = append(out, g)
		}
	}
	return out
}

// end kills a node that does not end; its log tells where it stood.
func end(g *rig.Gateway) error {
	err := g.Signal(syscall.SIGQUIT)
	select {
	case <-g.Done():
		return err
	case <-time.After(time.Second):
		return g.Kill()
	}
}
