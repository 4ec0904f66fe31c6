package uplink_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/moqt/uplink"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

const cam = relay.Namespace("live/cam1")

// world is a set of nodes that reach each other by name.
type world struct {
	t     *testing.T
	mu    sync.Mutex
	nodes map[string]*node // Guarded by mu.
}

// node is a gateway: a relay, its server, and its uplink.
type node struct {
	w      *world
	id     string
	relay  *relay.Relay
	server *moqt.Server
	up     *uplink.Manager
	reg    *prometheus.Registry
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu    sync.Mutex
	down  bool
	conns []*moqttest.Conn
	token string   // What it shows to parents.
	shown []string // Guarded by mu. What its children showed, in turns.
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, nodes: make(map[string]*node)}
	t.Cleanup(func() {
		for _, n := range w.nodes {
			n.crash()
		}
	})
	return w
}

// node starts a node with parents, dearer and dearer.
func (w *world) node(id string, parents ...string) *node {
	w.t.Helper()
	n := &node{w: w, id: id, relay: relay.New(relay.Config{}), reg: prometheus.NewRegistry()}
	// As with the uplink's own Final, which is nil: what ends here may go on elsewhere.
	mayGoOn := func(error) bool { return false }
	n.server = moqt.NewServer(moqt.Config{Relay: n.relay, Authorize: n.note, Final: mayGoOn})
	var err error
	n.up, err = uplink.New(uplink.Config{
		Self: id, Relay: n.relay, Window: 30 * time.Second, Registerer: n.reg, Token: n.shows,
		Dial: func(ctx context.Context, url string) (moqt.Conn, error) {
			return w.dial(url)
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	n.parents(parents...)
	var ctx context.Context
	ctx, n.cancel = context.WithCancel(context.Background())
	n.tasks.Go(func() { _ = n.up.Run(ctx) })
	w.mu.Lock()
	w.nodes[id] = n
	w.mu.Unlock()
	return n
}

// note remembers what children show for their right.
func (n *node) note(_ context.Context, r moqt.Request) (moqt.Grant, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.Token != "" && !slices.Contains(n.shown, r.Token) {
		n.shown = append(n.shown, r.Token)
	}
	return moqt.Grant{}, nil
}

func (n *node) shows() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.token
}

func (n *node) parents(list ...string) {
	var parents []uplink.Parent
	for i, p := range list {
		parents = append(parents, uplink.Parent{URL: p, Cost: i})
	}
	n.up.SetParents(parents)
}

// dial reaches a node at the draft that its name asks for: "mid" or "mid@16".
func (w *world) dial(url string) (moqt.Conn, error) {
	id, protocol := url, "moqt-18"
	if i := slices.Index([]byte(url), '@'); i >= 0 {
		id, protocol = url[:i], "moqt-"+url[i+1:]
	}
	w.mu.Lock()
	n := w.nodes[id]
	w.mu.Unlock()
	if n == nil {
		return nil, fmt.Errorf("no node %s", id)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down {
		return nil, fmt.Errorf("node %s is down", id)
	}
	near, far := moqttest.Pair(moqttest.Config{Protocol: protocol})
	n.conns = append(n.conns, far)
	n.tasks.Go(func() { _ = n.server.Serve(context.Background(), far) })
	return near, nil
}

// crash cuts all connections to and from a node.
func (n *node) crash() {
	n.mu.Lock()
	n.down = true
	for _, c := range n.conns {
		_ = c.CloseWithError(1, "crash")
	}
	n.conns = nil
	n.mu.Unlock()
	n.cancel()
	n.tasks.Wait()
	broadcasts, _ := n.relay.Broadcasts("")
	for _, b := range broadcasts {
		b.Close(nil)
	}
	n.relay.Wait()
}

// cut breaks the connections to a node, which stays up.
func (n *node) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		_ = c.CloseWithError(1, "cut")
	}
	n.conns = nil
}

// freeze is what the loss of power looks like: nothing is heard any more, and the
// others give the connections up after a while.
func (n *node) freeze() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = true
	for _, c := range n.conns {
		c.Silence()
		time.AfterFunc(3*time.Second, func() { _ = c.CloseWithError(1, "idle") })
	}
	n.conns = nil
}

// encoder publishes a group a second of ten objects.
type encoder struct {
	track *relay.Track
	stop  context.CancelFunc
	done  chan struct{}
}

func (n *node) encoder() *encoder {
	n.w.t.Helper()
	b, err := n.relay.Publish(cam)
	if err != nil {
		n.w.t.Fatal(err)
	}
	tr, err := b.NewTrack("video", relay.TrackConfig{Window: 30 * time.Second, Priority: 2})
	if err != nil {
		n.w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &encoder{track: tr, stop: cancel, done: make(chan struct{})}
	go e.run(ctx)
	n.w.t.Cleanup(func() {
		cancel()
		<-e.done
	})
	return e
}

func (e *encoder) run(ctx context.Context) {
	defer close(e.done)
	for id := uint64(time.Now().UnixMilli()); ; id++ {
		g, err := e.track.NewGroup(id)
		if err != nil {
			return
		}
		for i := range 10 {
			if g.Append(relay.Object{Payload: fmt.Appendf(nil, "%d/%d", id, i), Complete: time.Now()}) != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
			if ctx.Err() != nil {
				return
			}
		}
	}
}

// viewer reads one track and checks its continuity.
type viewer struct {
	t      *testing.T
	client *moqt.Client
	sub    *moqt.Subscription
	last   relay.Location
	begun  bool
	jumps  int // To a later group that are all right.
}

func (n *node) viewer(protocol string) *viewer {
	n.w.t.Helper()
	conn, err := n.w.dial(n.id + "@" + protocol)
	if err != nil {
		n.w.t.Fatal(err)
	}
	c, err := moqt.NewClient(context.Background(), conn, moqt.ClientConfig{})
	if err != nil {
		n.w.t.Fatal(err)
	}
	n.w.t.Cleanup(func() { _ = c.Close() })
	v := &viewer{t: n.w.t, client: c}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if v.sub, err = c.Subscribe(ctx, cam, "video", moqt.SubscribeOptions{Filter: &wire.Filter{Type: wire.NextGroupStart}}); err != nil {
		n.w.t.Fatal(err)
	}
	return v
}

// watch reads for a while; every object follows the one before, with its bytes. It
// gives the longest wait for one.
func (v *viewer) watch(d time.Duration) (objects int, longest time.Duration) {
	v.t.Helper()
	end := time.Now().Add(d)
	before := time.Now()
	for time.Now().Before(end) {
		ctx, cancel := context.WithDeadline(context.Background(), end)
		o, err := v.sub.Next(ctx)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			v.t.Fatalf("after %d objects: %v", objects, err)
		}
		if o.End {
			if o.Reset != nil {
				v.t.Fatalf("group %d was cut after %v: %v", o.Location.Group, v.last, o.Reset)
			}
			continue
		}
		v.follow(o)
		longest = max(longest, time.Since(before))
		before = time.Now()
		objects++
	}
	return objects, longest
}

func (v *viewer) follow(o moqt.Object) {
	v.t.Helper()
	next := relay.Location{Group: v.last.Group, Object: v.last.Object + 1}
	if next.Object == 10 {
		next = relay.Location{Group: v.last.Group + 1}
	}
	if v.begun && o.Location != next && v.jumps > 0 && o.Location.Object == 0 {
		v.jumps--
		next = o.Location
	}
	if v.begun && o.Location != next {
		v.t.Fatalf("%v follows %v", o.Location, v.last)
	}
	if want := fmt.Sprintf("%d/%d", o.Location.Group, o.Location.Object); string(o.Payload) != want {
		v.t.Fatalf("%v has the bytes %q", o.Location, o.Payload)
	}
	v.begun, v.last = true, o.Location
}

func (n *node) metric(name string) float64 {
	families, err := n.reg.Gather()
	if err != nil {
		n.w.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return 0
}

// in runs a test in a bubble of virtual time.
func in(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newWorld(t)) })
}

func TestThreeTiersMixedDrafts(t *testing.T) {
	in(t, func(w *world) {
		origin := w.node("origin")
		origin.encoder()
		w.node("mid", "origin@16")
		edge := w.node("edge", "mid@18")
		time.Sleep(time.Second)
		for _, p := range []string{"16", "18"} {
			if n, _ := edge.viewer(p).watch(5 * time.Second); n < 35 {
				w.t.Errorf("%d objects in 5 s at draft %s", n, p)
			}
		}
	})
}

// However the parent dies, viewers see every object once.
func TestParentDies(t *testing.T) {
	for name, kill := range map[string]func(*node){"crash": (*node).crash, "cut": (*node).cut, "freeze": (*node).freeze} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.node("origin").encoder()
				a := w.node("a", "origin")
				w.node("b", "origin@16")
				edge := w.node("edge", "a", "b")
				time.Sleep(time.Second)
				v := edge.viewer("18")
				v.watch(3 * time.Second)
				time.Sleep(37 * time.Millisecond)
				kill(a)
				n, longest := v.watch(5 * time.Second)
				if n < 45 || longest > time.Second {
					w.t.Errorf("%d objects in 5 s, %v without one", n, longest)
				}
				if edge.metric("freshet_uplink_switches_total") == 0 {
					w.t.Error("no switch counted")
				}
			})
		})
	}
}

// A session that shows another token takes over, and viewers see every object once.
func TestRenew(t *testing.T) {
	in(t, func(w *world) {
		origin := w.node("origin")
		origin.encoder()
		edge := w.node("edge", "origin")
		edge.renew("first")
		time.Sleep(5 * time.Second)
		v := edge.viewer("18")
		v.watch(3 * time.Second)
		edge.renew("second")
		edge.renew("third")
		if n, longest := v.watch(5 * time.Second); n < 45 || longest > time.Second {
			w.t.Errorf("%d objects in 5 s, %v without one", n, longest)
		}
		origin.mu.Lock()
		defer origin.mu.Unlock()
		if !slices.Contains(origin.shown, "third") || edge.metric("freshet_uplink_sessions") != 1 {
			w.t.Errorf("the origin was shown %q in %v sessions", origin.shown, edge.metric("freshet_uplink_sessions"))
		}
	})
}

func (n *node) renew(token string) {
	n.mu.Lock()
	n.token = token
	n.mu.Unlock()
	n.up.Renew()
}

// Two parents of each other do not feed each other with what is gone.
func TestLoop(t *testing.T) {
	in(t, func(w *world) {
		origin := w.node("origin")
		origin.encoder()
		a := w.node("a", "origin", "c")
		b := w.node("b", "a")
		c := w.node("c", "b")
		time.Sleep(2 * time.Second)
		c.viewer("18").watch(2 * time.Second)
		if a.metric("freshet_uplink_loops_refused_total") == 0 {
			w.t.Error("the way back was not refused")
		}
		origin.crash()
		time.Sleep(3 * uplink.DefaultGrace)
		for _, n := range []*node{a, b, c} {
			if _, ok := n.relay.Broadcast(cam); ok {
				w.t.Errorf("%s still has it", n.id)
			}
		}
	})
}

// What was published here for a while comes from the parent again when that has ended.
func TestLocalBroadcastEnds(t *testing.T) {
	in(t, func(w *world) {
		w.node("origin").encoder()
		edge := w.node("edge", "origin")
		time.Sleep(time.Second)
		b, err := edge.relay.Publish(cam)
		if err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.Close(nil)
		time.Sleep(time.Second)
		if n, _ := edge.viewer("18").watch(3 * time.Second); n < 15 {
			w.t.Errorf("%d objects from the parent", n)
		}
	})
}

// An encoder that moves to another origin is followed, and no viewer ends.
func TestEncoderMoves(t *testing.T) {
	in(t, func(w *world) {
		first, second := w.node("first"), w.node("second")
		e := first.encoder()
		w.node("mid", "first", "second")
		edge := w.node("edge", "mid")
		time.Sleep(time.Second)
		v := edge.viewer("18")
		v.watch(2 * time.Second)
		e.stop()
		<-e.done
		b, _ := first.relay.Broadcast(cam)
		b.Close(nil)
		time.Sleep(time.Second)
		second.encoder()
		v.jumps = 1 // Another encoder's groups do not follow by one.
		if n, _ := v.watch(6 * time.Second); n < 35 {
			w.t.Errorf("%d objects after the move", n)
		}
	})
}

// A parent that drains is left in good order: nothing is lost, nobody waits.
func TestParentDrains(t *testing.T) {
	in(t, func(w *world) {
		w.node("origin").encoder()
		a := w.node("a", "origin")
		w.node("b", "origin")
		edge := w.node("edge", "a", "b")
		time.Sleep(time.Second)
		v := edge.viewer("18")
		v.watch(2 * time.Second)
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			a.server.Drain(ctx, "b")
		}()
		n, longest := v.watch(5 * time.Second)
		if n < 45 || longest > 500*time.Millisecond {
			w.t.Errorf("%d objects in 5 s, %v without one", n, longest)
		}
		<-drained
	})
}

// A child with one parent is sent to another one, and its viewers see nothing of it.
func TestOnlyParentSendsElsewhere(t *testing.T) {
	in(t, func(w *world) {
		w.node("origin").encoder()
		a := w.node("a", "origin")
		w.node("b", "origin")
		edge := w.node("edge", "a")
		time.Sleep(time.Second)
		v := edge.viewer("18")
		v.watch(2 * time.Second)
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			a.server.Drain(ctx, "b")
		}()
		n, longest := v.watch(5 * time.Second)
		if n < 45 || longest > 500*time.Millisecond {
			w.t.Errorf("%d objects in 5 s, %v without one", n, longest)
		}
		<-drained
		if got := edge.up.Snapshot(); len(got.Parents) != 1 || !got.Parents[0].Connected || len(got.Broadcasts) != 1 {
			w.t.Errorf("%+v", got)
		}
	})
}

func TestOneSubscriptionForManyViewers(t *testing.T) {
	in(t, func(w *world) {
		origin := w.node("origin")
		origin.encoder()
		edge := w.node("edge", "origin")
		time.Sleep(time.Second)
		var all []*viewer
		for range 20 {
			all = append(all, edge.viewer("18"))
		}
		for _, v := range all {
			if _, err := v.sub.Next(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
		}
		b, _ := edge.relay.Broadcast(cam)
		if n := len(b.Tracks()); n != 1 {
			w.t.Errorf("%d tracks", n)
		}
		reg := prometheus.NewRegistry()
		reg.MustRegister(relay.NewCollector(edge.relay))
		families, _ := reg.Gather()
		for _, f := range families {
			if f.GetName() == "freshet_relay_upstream_subscriptions" && f.GetMetric()[0].GetGauge().GetValue() != 1 {
				w.t.Errorf("%v", f)
			}
		}
	})
}
