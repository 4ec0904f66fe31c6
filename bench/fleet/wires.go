package fleet

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/freshet-live/freshet/bench/impair"
)

// Hop is a place in the way of the media that may be bad.
type Hop string

// The hops, from the encoder to the viewers.
const (
	Contribution Hop = "encoder-origin"
	Backbone     Hop = "origin-mid"
	Distribution Hop = "mid-edge"
	Access       Hop = "edge-viewer"
)

// Hops are all of them.
func Hops() []Hop { return []Hop{Contribution, Backbone, Distribution, Access} }

// Links are what holds for every link of a hop, in each direction. Links of hops that
// are not here are as good as the machine's memory, but can be cut. Without a map,
// which is nil, there is the switch alone and nothing to cut.
type Links map[Hop]impair.Settings

// Outside is the name of this process's own namespace, where encoder and viewers are.
const Outside = "outside"

// wire is a link between two machines, or from one to Outside.
type wire struct {
	hop  Hop
	a, b string // Media goes from a to b.
}

// plan are the wires of the fleet.
func plan() []wire {
	var out []wire
	add := func(hop Hop, from, to []string) {
		for _, a := range from {
			for _, b := range to {
				out = append(out, wire{hop, a, b})
			}
		}
	}
	origins, mids, outside := Names()[:2], Names()[2:4], []string{Outside}
	add(Contribution, outside, origins)
	add(Backbone, origins, mids)
	add(Distribution, mids, Edges())
	add(Access, Edges(), outside)
	return out
}

// wires are all links in real time: two TUN devices each, one in each machine.
type wires struct {
	fleet   *Fleet
	plan    []wire
	network *impair.Network
	cancel  context.CancelFunc
	done    chan error
}

func newWires(f *Fleet) (*wires, error) {
	w := &wires{fleet: f, done: make(chan error, 1)}
	if f.cfg.Links == nil {
		return w, nil
	}
	w.plan = plan()
	cfg := impair.Config{Seed: f.cfg.Seed}
	for i, wire := range w.plan {
		path := impair.Path{Name: wire.a + "-" + wire.b, Both: f.cfg.Links[wire.hop]}
		if err := path.Check(); err != nil {
			return nil, fmt.Errorf("link %s: %w", wire.hop, err)
		}
		cfg.Paths = append(cfg.Paths, path)
		cfg.Ends = append(cfg.Ends, impair.Ends{Devices: []impair.Device{w.device(wire.a, i), w.device(wire.b, i)}})
	}
	var err error
	if w.network, err = impair.New(cfg); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background()) // close ends it.
	w.cancel = cancel
	go func() { w.done <- w.network.Run(ctx) }()
	for i, wire := range w.plan {
		if err := errors.Join(w.route(wire.a, wire.b, i), w.route(wire.b, wire.a, i)); err != nil {
			return nil, errors.Join(err, w.close())
		}
	}
	return w, nil
}

// device is the i-th wire's on a machine.
func (w *wires) device(at string, i int) impair.Device {
	if at == Outside {
		return impair.Device{Name: w.fleet.Network.Device(i)}
	}
	return impair.Device{Name: "wire" + strconv.Itoa(i), Namespace: w.fleet.Machines[at].Space}
}

// route has one end of the i-th wire send to the other through it.
func (w *wires) route(from, to string, i int) error {
	address := w.fleet.Network.Self
	if to != Outside {
		address = w.fleet.Machines[to].Addr
	}
	device := w.device(from, i).Name
	if from == Outside {
		return w.fleet.Network.Via(device, address)
	}
	return w.fleet.Machines[from].Via(device, address)
}

func (w *wires) close() error {
	if w.cancel == nil {
		return nil
	}
	w.cancel()
	w.cancel = nil
	return <-w.done
}

// Cut takes the link between two machines (or Outside) out of service, silently, or
// puts it back.
func (f *Fleet) Cut(a, b string, out bool) error {
	for i, wire := range f.wires.plan {
		if wire.a == a && wire.b == b || wire.a == b && wire.b == a {
			f.wires.network.Cut(i, out)
			return nil
		}
	}
	return fmt.Errorf("there is no link between %s and %s", a, b)
}

// Isolate cuts a machine off from all others, silently, or joins it again.
func (f *Fleet) Isolate(name string, out bool) error {
	for i, wire := range f.wires.plan {
		if wire.a == name || wire.b == name {
			f.wires.network.Cut(i, out)
		}
	}
	m := f.Machines[name]
	switch {
	case m == nil:
		return fmt.Errorf("there is no machine %s", name)
	case out:
		return m.Unplug()
	}
	return m.Plug()
}

// Swallowed counts the packets that links lost because they were cut.
func (f *Fleet) Swallowed() (n uint64) {
	if f.wires.network == nil {
		return 0
	}
	for _, r := range f.wires.network.Readings() {
		n += r.Stats.Dropped[impair.Outage]
	}
	return n
}

// Linked tells whether two machines (or Outside) have a link that can be cut.
func Linked(a, b string) bool {
	for _, wire := range plan() {
		if wire.a == a && wire.b == b || wire.a == b && wire.b == a {
			return true
		}
	}
	return false
}
