package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/view"
	"github.com/freshet-live/freshet/e2e/rig"
)

// fleet is the cluster of configs/tiers-*.yaml: processes on machines of their own,
// which are network namespaces.
type fleet struct {
	network  *rig.Network
	machines map[string]*rig.Machine
	nodes    map[string]*rig.Gateway
	nats     *rig.Process // The directory, when it is external.
	tools    string       // Folder of binaries and certificates.
	data     string       // Folder of what the nodes keep.
}

// fleetNodes are in the order in which they start.
var fleetNodes = []string{"origin-a", "origin-b", "mid-a", "mid-b", "edge-a", "edge-b", "edge-c"}

var fleetEdges = fleetNodes[4:]

// startFleet starts all nodes, their directory embedded as in the example files, or in
// a NATS server beside them.
func startFleet(t *testing.T, external bool) *fleet {
	t.Helper()
	rig.Need(t, "ip", "ffmpeg")
	f := &fleet{
		machines: make(map[string]*rig.Machine), nodes: make(map[string]*rig.Gateway),
		tools: t.TempDir(), data: t.TempDir(),
	}
	var err error
	if f.network, err = rig.NewNetwork(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := f.network.Close(); err != nil {
			t.Error(err)
		}
	})
	var addresses []netip.Addr
	for _, name := range append([]string{"nats", "laptop"}, fleetNodes...) {
		if f.machines[name], err = f.network.Add(name); err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, f.machines[name].Addr)
	}
	if err := rig.WriteAuthority(f.tools, addresses); err != nil {
		t.Fatal(err)
	}
	if external {
		f.startNATS(t)
	}
	for _, name := range fleetNodes {
		f.nodes[name], err = rig.NewGateway(rig.GatewayConfig{
			Binary: binary, Dir: artifactDir(t), Name: name, Machine: f.machines[name],
			Relay: !strings.HasPrefix(name, "origin"), YAML: f.config(t, name),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { f.stop(t) })
	// Edges share a certificate, as a browser goes from one to the next: the first makes it.
	f.start(t, fleetNodes[:5]...)
	f.start(t, fleetNodes[5:]...)
	f.settled(t)
	return f
}

// stop ends all nodes at the same time. One whose children were killed drains until
// it knows, and is told a second time, which means now.
func (f *fleet) stop(t *testing.T) {
	t.Helper()
	for range 2 {
		for _, name := range fleetNodes {
			if g := f.nodes[name]; g.Process != nil {
				_ = g.Signal(syscall.SIGTERM) // Whether it ended is looked at below.
			}
		}
		time.Sleep(time.Second)
	}
	for _, name := range fleetNodes {
		g := f.nodes[name]
		if g.Process == nil {
			continue
		}
		select {
		case <-g.Done():
		case <-time.After(5 * time.Second):
			t.Errorf("%s does not end", name)
			_ = g.Signal(syscall.SIGQUIT) // Its log tells where it stands.
			<-g.Done()
		}
		if out := g.Output(); strings.Contains(out, "panic:") {
			t.Errorf("%s panicked:\n%s", name, out)
		}
	}
}

// start starts nodes at the same time: a voter waits for the others.
func (f *fleet) start(t *testing.T, names ...string) {
	t.Helper()
	started := make(chan error, len(names))
	for _, name := range names {
		go func() { started <- f.nodes[name].Start(context.Background()) }()
	}
	for range names {
		if err := <-started; err != nil {
			t.Fatal(err)
		}
	}
}

// settled waits until the directory answers and every node sees all others.
func (f *fleet) settled(t *testing.T) {
	t.Helper()
	for _, name := range fleetNodes {
		within(t, 30*time.Second, func() error {
			state, err := rig.Get(t.Context(), f.nodes[name].Operator("/v1/cluster"))
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
			if c.Health != "ok" || len(c.Nodes) != len(fleetNodes) {
				return fmt.Errorf("%s sees %d nodes, health %q", name, len(c.Nodes), c.Health)
			}
			return nil
		})
	}
}

var clusterSection = regexp.MustCompile(`(?m)^cluster:\n(?:  .*\n)+`)

// config is the example of the node's tier with this test's addresses and folders.
func (f *fleet) config(t *testing.T, name string) string {
	t.Helper()
	tier, _, _ := strings.Cut(name, "-")
	text := example(t, tier)
	switch {
	case f.nats != nil:
		text = clusterSection.ReplaceAllLiteralString(text, fmt.Sprintf("cluster:\n  nats: [%s]\n", f.natsURL()))
	case name == "mid-b": // A leaf.
		text = clusterSection.ReplaceAllLiteralString(text, clusterSection.FindString(example(t, "edge")))
	}
	next := strings.NewReplacer("edge-a", "edge-b", "edge-b", "edge-c", "edge-c", "edge-a").Replace(name)
	replace := []string{
		"id: " + tier + "-a", "id: " + name,
		"url: moqt://" + tier + "-a.", "url: moqt://" + name + ".",
		"url: https://edge-b.", "url: https://" + next + ".",
		"  cert: /etc/freshet/public/fullchain.pem\n  key: /etc/freshet/public/privkey.pem\n", "  cert_dir: " + f.tools + "\n",
		"/etc/freshet/tls", f.tools,
		"/var/lib/freshet", filepath.Join(f.data, name),
	}
	text = strings.NewReplacer(replace...).Replace(text)
	for machine, m := range f.machines {
		text = strings.ReplaceAll(text, machine+".example.com", m.Addr.String())
	}
	if os.Getenv("E2E_TIERS") != "full" { // Nobody who has moved needs more.
		text = strings.ReplaceAll(text, "deadline: 30s", "deadline: 5s")
	}
	if tier == "origin" {
		text += "\nquic:\n  publish: true\n\nmoq:\n  publish: true\n"
	}
	return text
}

func example(t *testing.T, tier string) string {
	t.Helper()
	text, err := os.ReadFile("../configs/tiers-" + tier + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (f *fleet) natsURL() string { return fmt.Sprintf("nats://%s:4222", f.machines["nats"].Addr) }

// startNATS starts the external directory, at first or again.
func (f *fleet) startNATS(t *testing.T) {
	t.Helper()
	nats, err := rig.BuildTool(t.Context(), f.tools, "e2e/nats")
	if err != nil {
		t.Fatal(err)
	}
	machine := f.machines["nats"]
	f.nats, err = machine.Inside(rig.Command{
		Name: "nats", Path: nats, Dir: artifactDir(t),
		Args: []string{"-host", machine.Addr.String(), "-dir", filepath.Join(f.data, "nats")},
	}).Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.nats.Kill(); err != nil {
			t.Error(err)
		}
	})
}

// watch has viewers at all edges, half of them over raw QUIC.
func (f *fleet) watch(t *testing.T, path string, viewers int) *rig.Audience {
	t.Helper()
	var urls []string
	for _, edge := range fleetEdges {
		urls = append(urls, f.nodes[edge].HTTPS("/moq"), "moqt://"+f.nodes[edge].QUIC())
	}
	audience, err := rig.StartAudience(context.Background(), artifactDir(t), binary, path, viewers, urls...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := audience.Leave(); err != nil {
			t.Error(err)
		}
	})
	return audience
}

// below are the edges that get the broadcast from this mid.
func (f *fleet) below(t *testing.T, mid, path string) []string {
	t.Helper()
	var out []string
	for _, edge := range fleetEdges {
		if f.parent(t, edge, path) == "moqt://"+f.nodes[mid].QUIC() {
			out = append(out, edge)
		}
	}
	return out
}

// parent is where a node gets the broadcast from.
func (f *fleet) parent(t *testing.T, node, path string) string {
	t.Helper()
	text, err := rig.Get(t.Context(), f.nodes[node].Operator("/v1/relay"))
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		Broadcasts []struct{ Name, Parent string }
	}
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		t.Fatal(err)
	}
	for _, b := range state.Broadcasts {
		if b.Name == path {
			return b.Parent
		}
	}
	t.Fatalf("%s does not know %s: %s", node, path, text)
	return ""
}

// restart ends a node in good order and starts it again.
func (f *fleet) restart(t *testing.T, name string) {
	t.Helper()
	began := time.Now()
	if err := f.nodes[name].Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-f.nodes[name].Done():
	case <-time.After(70 * time.Second):
		t.Fatalf("%s does not end", name)
	}
	down := time.Since(began)
	f.start(t, name)
	t.Logf("%s restarted: down after %v, up after %v", name, down.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
}

// show prints a report in one line.
func show(t *testing.T, r view.Report) {
	t.Helper()
	t.Logf("%-28s %d of %d viewers, %.1f Mbit/s, longest pause p50 %.0f ms p99 %.0f ms max %.0f ms; missing %d, twice %d, cut %d, moves %d, ended %d, starts %d %v",
		r.Phase+":", r.Watching, r.Viewers, float64(r.Bytes)*8e-6/r.Seconds, r.Pause.P50, r.Pause.P99, r.Pause.Max,
		r.Missing, r.Twice, r.Cut, r.Moves, r.Ended, r.Starts, r.Errors)
}
