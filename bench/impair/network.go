package impair

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/bench/alarm"
)

// Ends are what a path connects: a UDP port that is listened to and an address
// that is sent to, or two TUN devices.
type Ends struct {
	Listen, To string
	Devices    []Device // None or two.
}

// Config is a network to run.
type Config struct {
	Paths []Path // Checked.
	Ends  []Ends // One for each path.
	Seed  uint64
	// Packets takes a line for each packet; nil for none.
	Packets io.Writer
}

// Network is paths in real time.
type Network struct {
	began time.Time
	paths []carrier
	lanes [][2]*lane // Of each path.
	log   *packetLog
}

// carrier moves packets over a path.
type carrier interface {
	// run carries until the context ends, and then closes the path.
	run(ctx context.Context) error
	// readings are both directions.
	readings() []Reading
	// ends says where the path begins and where it leads.
	ends() string
	close() error
}

// Reading is how a direction is doing.
type Reading struct {
	Link      string
	Direction Direction
	Elapsed   time.Duration
	Note      string // Of the step of the timeline that is in force.
	Stats     Stats
	// Late is how long after it was due a packet was written: the network's own fault.
	Late Histogram
	// OwnLoss counts packets that the kernel dropped before they could be read.
	// It is known if OwnLossKnown.
	OwnLoss      uint64
	OwnLossKnown bool
	// Unsent counts packets that the kernel did not take.
	Unsent uint64
	// Clients, Refused (datagrams of clients over the limit, or too large to carry) and Rebinds are those
	// of UDP ports, the same in both directions.
	Clients          int
	Refused, Rebinds uint64
}

// New opens the ends of a network. It carries nothing before Run.
func New(cfg Config) (*Network, error) {
	n := &Network{began: time.Now()}
	if cfg.Packets != nil {
		n.log = newPacketLog(cfg.Packets)
	}
	for i := range cfg.Paths {
		path, err := n.open(cfg, i)
		if err != nil {
			return nil, errors.Join(err, n.close())
		}
		n.paths = append(n.paths, path)
	}
	return n, nil
}

func (n *Network) open(cfg Config, i int) (carrier, error) {
	path, ends := &cfg.Paths[i], cfg.Ends[i]
	name := cmp.Or(path.Name, fmt.Sprintf("link%d", i))
	var lanes [2]*lane
	for d := range lanes {
		plan, err := path.Plan(Direction(d))
		if err != nil {
			return nil, err
		}
		a, err := alarm.New()
		if err != nil {
			return nil, err
		}
		lanes[d] = &lane{
			began: n.began, plan: plan, log: n.log, name: name + "." + Direction(d).String(), alarm: a,
			link: NewLink[datagram](plan, cfg.Seed, uint64(2*i+d)),
		}
	}
	n.lanes = append(n.lanes, lanes)
	if len(ends.Devices) > 0 {
		return newTunnel(name, lanes, ends.Devices)
	}
	return newRelay(name, lanes, ends, rebinds(path.Timeline), path.Repeat)
}

// Run carries packets until the context ends. Run and New are called once.
func (n *Network) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range n.paths {
		group.Go(func() error { return p.run(ctx) })
	}
	err := group.Wait()
	if n.log != nil {
		err = errors.Join(err, n.log.flush())
	}
	return err
}

// Readings are all directions of all paths.
func (n *Network) Readings() []Reading {
	var out []Reading
	for _, p := range n.paths {
		out = append(out, p.readings()...)
	}
	return out
}

// Ends says for each path where it begins and where it leads: "127.0.0.1:9000 >
// 127.0.0.1:8890".
func (n *Network) Ends() []string {
	out := make([]string, len(n.paths))
	for i, p := range n.paths {
		out[i] = p.ends()
	}
	return out
}

func (n *Network) close() error {
	errs := make([]error, len(n.paths))
	for i, p := range n.paths {
		errs[i] = p.close()
	}
	return errors.Join(errs...)
}
