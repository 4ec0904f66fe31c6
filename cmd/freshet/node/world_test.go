package node_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/cmd/freshet/node"
	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/ingesttest"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/cluster"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/uplink"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
)

const (
	cam    = relay.Namespace("live/cam1")
	window = 30 * time.Second
	hold   = 5 * time.Second
)

// world is nodes, encoders and viewers over one network and one directory, in a
// bubble of virtual time. All of QUIC is real.
type world struct {
	tb        testing.TB
	net       *network
	directory *cluster.Memory
	tls       *tls.Config
	log       *ingesttest.Log
	machines  map[string]*machine
	hosts     int
	encoders  []*encoder
	viewers   []*viewer
}

// machine is where a node runs, or does not.
type machine struct {
	w       *world
	id, ip  string
	self    cluster.Node
	parents []string
	key     ed25519.PrivateKey // Signs beacons; nil does not.
	late    time.Duration      // The first object of an encoder after its being let in.

	*node.Node // nil while it is down.
	reg        *prometheus.Registry
	link       *cluster.Link
	listener   *quicconn.Listener
	cancel     context.CancelFunc
	tasks      sync.WaitGroup
}

// newWorld is an empty world, which ends with the test.
func newWorld(tb testing.TB) *world {
	tb.Helper()
	source, err := certs.New(certs.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	w := &world{
		tb: tb, net: newNetwork(), directory: cluster.NewMemory(), log: &ingesttest.Log{},
		tls: &tls.Config{GetCertificate: source.GetCertificate}, machines: make(map[string]*machine),
	}
	tb.Cleanup(w.close)
	return w
}

// close ends everything. A goroutine that stays behind is a panic of the bubble.
func (w *world) close() {
	for _, v := range w.viewers {
		v.leave()
	}
	for _, e := range w.encoders {
		e.stop()
	}
	for _, m := range w.machines {
		m.kill()
	}
	w.net.close()
	w.directory.Wipe()
	if w.tb.Failed() {
		w.tb.Log(w.log.String())
	}
}

// address is a new host.
func (w *world) address() string {
	w.hosts++
	return fmt.Sprintf("10.0.0.%d", w.hosts)
}

// node starts a node with the parents that are named, the dearer the later, or those
// that it finds in the directory.
func (w *world) node(id string, tier cluster.Tier, parents ...string) *machine {
	w.tb.Helper()
	m := w.machine(id, tier, parents...)
	m.start()
	return m
}

// machine is where a node is to run.
func (w *world) machine(id string, tier cluster.Tier, parents ...string) *machine {
	ip := w.address()
	w.net.name(id, ip)
	m := &machine{w: w, id: id, ip: ip, parents: parents, self: cluster.Node{ID: id, Tier: tier, URL: ip}}
	w.machines[id] = m
	return m
}

func (w *world) origin(id string) *machine { return w.node(id, cluster.TierOrigin) }

func (w *world) mid(id string, parents ...string) *machine {
	return w.node(id, cluster.TierMid, parents...)
}

func (w *world) edge(id string, parents ...string) *machine {
	return w.node(id, cluster.TierEdge, parents...)
}

// start is what main does.
func (m *machine) start() {
	w := m.w
	w.tb.Helper()
	w.net.setDown(m.ip, false)
	m.reg, m.link = prometheus.NewRegistry(), w.directory.Link()
	var err error
	m.Node, err = node.New(node.Config{
		Self: m.self, Store: m.link, Parents: m.uplinks(), Window: window, Publish: true, StreamKey: m.key,
		Ingest: ingest.Config{Hold: hold},
		Uplink: uplink.Config{Dial: m.dial},
		Logger: w.log.Logger().With("node", m.id),

		Registerer: m.reg,
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	m.listener, err = quicconn.New(quicconn.Config{
		Conn: w.net.socket(m.ip, servicePort), TLS: w.tls, Protocols: wire.Protocols(), MoQ: m.serve,
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	var ctx context.Context
	ctx, m.cancel = context.WithCancel(context.Background())
	for _, part := range []func(context.Context) error{m.Run, m.listener.Run} {
		m.tasks.Go(func() {
			if err := part(ctx); err != nil {
				w.tb.Errorf("%s: %v", m.id, err)
			}
		})
	}
}

func (m *machine) uplinks() []uplink.Parent {
	var out []uplink.Parent
	for i, id := range m.parents {
		out = append(out, uplink.Parent{URL: id, Cost: i})
	}
	return out
}

func (m *machine) serve(ctx context.Context, conn moqt.Conn) {
	_ = m.MoQ.Serve(context.WithoutCancel(ctx), conn)
}

// dial reaches a node by its ID, with a draft if one is named ("mid@16"), or by its
// address.
func (m *machine) dial(ctx context.Context, url string) (moqt.Conn, error) {
	to, draft, named := strings.Cut(url, "@")
	if named {
		draft = "moqt-" + draft
	}
	return m.w.net.dial(ctx, m.ip, m.w.net.find(to), draft, quicconn.UplinkConfig())
}

func (m *machine) up() bool { return m.Node != nil }

// kill is SIGKILL, or the power: not a packet more, to nobody.
func (m *machine) kill() {
	if !m.up() {
		return
	}
	m.w.net.setDown(m.ip, true)
	m.link.SetDown(true)
	m.end()
}

// end waits until nothing of the process is left.
func (m *machine) end() {
	m.cancel()
	m.Close()
	m.tasks.Wait()
	m.Relay.Wait()
	m.Node = nil
}

// terminate is SIGTERM: those who are connected are asked to go elsewhere.
func (m *machine) terminate(deadline time.Duration, uri string) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	m.listener.Drain()
	m.Drain(ctx, uri)
	m.end()
}

// metric sums a metric over its labels, those with the given values if any.
func (m *machine) metric(name string, labels ...string) float64 {
	m.w.tb.Helper()
	families, err := m.reg.Gather()
	if err != nil {
		m.w.tb.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, v := range f.GetMetric() {
			has := func(want string) bool {
				for _, l := range v.GetLabel() {
					if l.GetValue() == want {
						return true
					}
				}
				return false
			}
			if !slices.ContainsFunc(labels, func(l string) bool { return !has(l) }) {
				sum += v.GetGauge().GetValue() + v.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// samples counts what a histogram has seen.
func (m *machine) samples(name string) (n uint64) {
	m.w.tb.Helper()
	families, err := m.reg.Gather()
	if err != nil {
		m.w.tb.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			n += f.GetMetric()[0].GetHistogram().GetSampleCount()
		}
	}
	return n
}

// all are the nodes that run, by ID.
func (w *world) all() []*machine {
	var out []*machine
	for _, id := range slices.Sorted(maps.Keys(w.machines)) {
		if m := w.machines[id]; m.up() {
			out = append(out, m)
		}
	}
	return out
}

// checkRoutes: no route contains a node twice (I7).
func (w *world) checkRoutes() error {
	var errs error
	for _, m := range w.all() {
		for _, b := range m.Uplink.Snapshot().Broadcasts {
			way := append(slices.Clone(b.Hops), m.id)
			slices.Sort(way)
			if len(slices.Compact(way)) != len(b.Hops)+1 {
				errs = errors.Join(errs, fmt.Errorf("%s: the way of %s is %v", m.id, b.Name, b.Hops))
			}
		}
	}
	return errs
}
