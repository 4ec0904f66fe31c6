package node

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/relay/cluster"
	"github.com/freshet-live/freshet/relay/routes"
	"github.com/freshet-live/freshet/transport/moqt/uplink"
)

const (
	// lookEvery is how often it is looked whether parents answer, and how far they are.
	lookEvery = 250 * time.Millisecond
	// measureEvery is how often a node that is no parent is measured, one after the
	// other; each again after probeAgain.
	measureEvery, probeAgain = time.Second, 5 * time.Minute
	// probeWithin bounds a measurement.
	probeWithin = 3 * time.Second
	// unreachable is the distance of a node that did not answer.
	unreachable = 12
)

// surroundings is how far nodes are that are no parents.
type surroundings struct {
	mu    sync.Mutex
	known map[string]sounding // Guarded by mu. By URL.
}

// sounding is one measurement.
type sounding struct {
	at    time.Time
	class int
}

func (s *surroundings) get(url string) (sounding, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.known[url]
	return m, ok
}

func (s *surroundings) set(url string, class int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = make(map[string]sounding)
	}
	for old, m := range s.known {
		if time.Since(m.at) > 2*probeAgain {
			delete(s.known, old)
		}
	}
	s.known[url] = sounding{at: time.Now(), class: class}
}

// distance is measured on the connection to a parent, or else by a probe.
func (n *Node) distance(of cluster.Node) (class int, known bool) {
	if class, known = n.Uplink.Distance(of.URL); known {
		return class, true
	}
	m, known := n.around.get(of.URL)
	return m.class, known
}

// answers tells whether a node can be counted on as a parent. One that was restarted
// while the directory is away answers, and knows nobody to get broadcasts from.
func (n *Node) answers(of cluster.Node) (ok, known bool) {
	ok, known = n.Uplink.Answers(of.URL)
	if ok && n.Directory.Health() != nil && n.Uplink.Barren(of.URL) {
		ok = false
	}
	return ok, known
}

// suffice tells whether parents can serve all that any parent serves.
func (n *Node) suffice(parents []cluster.Choice) bool {
	urls := make([]string, len(parents))
	for i, p := range parents {
		urls[i] = p.URL
	}
	return n.Uplink.Suffice(urls)
}

// follow chooses parents among the nodes of the directory, as they come and go, as they
// answer, and as they are nearer or farther. Those of the configuration count instead,
// if there are any.
func (n *Node) follow(ctx context.Context) error {
	if len(n.cfg.Parents) > 0 {
		return nil
	}
	chooser := cluster.Chooser{Distance: n.distance, Answers: n.answers, Suffice: n.suffice}
	tick, measure := time.NewTicker(lookEvery), time.NewTicker(measureEvery)
	defer tick.Stop()
	defer measure.Stop()
	var probe sync.WaitGroup
	defer probe.Wait()
	var probing atomic.Bool
	for {
		changed := n.choose(&chooser)
		select {
		case <-changed:
		case <-tick.C:
		case <-measure.C:
			nodes, _ := n.Directory.Nodes()
			url, ok := n.unsounded(chooser.Unchosen(nodes, n.self()))
			if ok && probing.CompareAndSwap(false, true) {
				probe.Go(func() {
					defer probing.Store(false)
					n.sound(ctx, url)
				})
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// choose sets the parents that are best now. The channel is closed when the directory
// says something new.
func (n *Node) choose(chooser *cluster.Chooser) <-chan struct{} {
	nodes, changed := n.Directory.Nodes()
	before := chooser.SteppedUp()
	best := chooser.Parents(nodes, n.self())
	parents := make([]uplink.Parent, len(best))
	for i, c := range best {
		parents[i] = uplink.Parent{URL: c.URL, Cost: c.Cost}
	}
	n.Uplink.SetParents(parents)
	switch log := n.part("parents"); {
	case chooser.SteppedUp() && !before:
		log.Warn("no mid serves: origins are asked")
	case before && !chooser.SteppedUp():
		log.Info("mids serve again: origins are left")
	}
	return changed
}

// unsounded is the first node that was not measured lately.
func (n *Node) unsounded(list []cluster.Choice) (url string, ok bool) {
	for _, c := range list {
		if m, known := n.around.get(c.URL); !known || time.Since(m.at) > probeAgain {
			return c.URL, true
		}
	}
	return "", false
}

// sound measures a node by a handshake.
func (n *Node) sound(ctx context.Context, url string) {
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	conn, err := n.cfg.Uplink.Dial(ctx, url)
	if err != nil {
		n.around.set(url, unreachable)
		return
	}
	defer func() { _ = conn.CloseWithError(0, "measured") }()
	if measured, ok := conn.(interface{ RTT() time.Duration }); ok {
		var d routes.Distance
		d.Observe(measured.RTT())
		class, _ := d.Class()
		n.around.set(url, class)
	}
}
