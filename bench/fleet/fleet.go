package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
)

// Names are the nodes, in the order in which they start.
func Names() []string {
	return []string{"origin-a", "origin-b", "mid-a", "mid-b", "edge-a", "edge-b", "edge-c"}
}

// Edges are the nodes that viewers come to.
func Edges() []string { return Names()[4:] }

// Tier is that of a node, by its name.
func Tier(node string) string {
	tier, _, _ := strings.Cut(node, "-")
	return tier
}

// Config says how a fleet is made. Binary and Logs are required.
type Config struct {
	Binary string // The gateway's.
	Logs   string // Folder of the nodes' configurations and logs.
	// External has the directory in a NATS server beside the nodes instead of in them.
	External bool
	// EdgeDrain is how long an edge waits for its viewers to leave; 0 for what the
	// example says.
	EdgeDrain time.Duration
	// Links are those that are not perfect.
	Links Links
	Seed  uint64 // Of the links' chance.
}

// Fleet is the cluster. Its methods are for one goroutine.
type Fleet struct {
	Network  *rig.Network
	Machines map[string]*rig.Machine // Those of the nodes, and "nats" and "laptop".
	Nodes    map[string]*rig.Gateway
	NATS     *rig.Process // The directory, when it is external.
	Dir      string       // Folder of certificates; removed at the end.

	cfg   Config
	data  string // Folder of what the nodes keep.
	wires *wires
}

// New starts all nodes, waits until the directory knows them, and gives the fleet;
// what it could not start it removes.
func New(ctx context.Context, cfg Config) (*Fleet, error) {
	f := &Fleet{Machines: make(map[string]*rig.Machine), Nodes: make(map[string]*rig.Gateway), cfg: cfg}
	if err := f.start(ctx); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Fleet) start(ctx context.Context) error {
	if err := f.build(); err != nil {
		return err
	}
	if f.cfg.External {
		if err := f.StartDirectory(); err != nil {
			return err
		}
	}
	for _, name := range Names() {
		text, err := f.config(name)
		if err != nil {
			return err
		}
		f.Nodes[name], err = rig.NewGateway(rig.GatewayConfig{
			Binary: f.cfg.Binary, Dir: f.cfg.Logs, Name: name, Machine: f.Machines[name],
			Relay: Tier(name) != "origin", YAML: text,
		})
		if err != nil {
			return err
		}
	}
	// Edges share a certificate, as a browser goes from one to the next: the first makes it.
	if err := f.Start(ctx, Names()[:5]...); err != nil {
		return err
	}
	if err := f.Start(ctx, Names()[5:]...); err != nil {
		return err
	}
	return f.Settled(ctx)
}

// build makes folders, machines, links and certificates.
func (f *Fleet) build() (err error) {
	if f.Dir, err = os.MkdirTemp("", "freshet-fleet-"); err != nil {
		return err
	}
	f.data = filepath.Join(f.Dir, "data")
	if f.Network, err = rig.NewNetwork(); err != nil {
		return err
	}
	var addresses []netip.Addr
	for _, name := range append([]string{"nats", "laptop"}, Names()...) {
		if f.Machines[name], err = f.Network.Add(name); err != nil {
			return err
		}
		addresses = append(addresses, f.Machines[name].Addr)
	}
	if f.wires, err = newWires(f); err != nil {
		return err
	}
	return rig.WriteAuthority(f.Dir, addresses)
}

// URLs are where viewers come: every edge over WebTransport and over raw QUIC.
func (f *Fleet) URLs() []string {
	urls := make([]string, 0, 2*len(Edges()))
	for _, edge := range Edges() {
		urls = append(urls, f.Nodes[edge].HTTPS("/moq"), "moqt://"+f.Nodes[edge].QUIC())
	}
	return urls
}

// Close ends all processes, in good order where they are able to, and removes the rest.
// It takes some 15 seconds at most.
func (f *Fleet) Close() error {
	var errs []error
	errs = append(errs, f.stop())
	if f.NATS != nil {
		errs = append(errs, f.NATS.Kill())
	}
	if f.wires != nil {
		errs = append(errs, f.wires.close())
	}
	if f.Network != nil {
		errs = append(errs, f.Network.Close())
	}
	if f.Dir != "" {
		errs = append(errs, os.RemoveAll(f.Dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close the fleet: %w", err)
	}
	return nil
}
