package node_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/freshet-live/freshet/relay/cluster"
)

// play is a schedule under way.
type play struct {
	w                    *world
	origins, mids, edges []*machine
	encoder              *encoder // The one that should be on air.
	down                 bool     // The directory.
	calm                 bool     // Nothing happened for so long that all has settled.
	problems             error
}

func newPlay(w *world) *play {
	p := &play{w: w}
	p.origins = []*machine{w.origin("o0"), w.origin("o1")}
	for i, draft := range []string{"@16", "@18"} {
		p.mids = append(p.mids, w.mid(fmt.Sprint("m", i), "o0"+draft, "o1"+draft))
	}
	// The second edge finds its parents, and may step up to an origin (I9).
	p.edges = []*machine{w.edge("e0", "m0@18", "m1@16"), w.edge("e1")}
	return p
}

func (p *play) nodes() []*machine { return slices.Concat(p.origins, p.mids, p.edges) }

func (p *play) problem(format string, args ...any) {
	p.problems = errors.Join(p.problems, fmt.Errorf("%s "+format, append([]any{time.Now().Format("04:05.000")}, args...)...))
}

func (p *play) run(list []step) {
	time.Sleep(2 * time.Second)
	p.encoder = p.origins[0].mustPublish(cam)
	time.Sleep(time.Second)
	for _, e := range p.edges {
		e.view(cam)
	}
	time.Sleep(settled)
	p.look(nil)
	p.calm = true
	for _, s := range list {
		p.step(s)
	}
	p.quiesce()
}

// links are the connections between tiers.
func (p *play) links() (out [][2]*machine) {
	for _, m := range p.mids {
		for _, n := range slices.Concat(p.origins, p.edges) {
			out = append(out, [2]*machine{m, n})
		}
	}
	return out
}

// onAir tells whether the encoder publishes and every edge that is up has a way to it.
func (p *play) onAir() bool { return p.published() && len(p.stranded()) == 0 }

func (p *play) published() bool {
	return p.encoder.ended() == nil && p.encoder.at.up() && p.owners() == 1
}

// stranded are the edges that are up and have no way to the encoder.
func (p *play) stranded() (out []*machine) {
	for _, e := range p.edges {
		if e.up() && !p.byMid(e) && !p.byOrigin(e) {
			out = append(out, e)
		}
	}
	return out
}

func (p *play) byMid(e *machine) bool {
	return slices.ContainsFunc(p.mids, func(m *machine) bool {
		return p.reaches(e, m) && !p.w.net.isCut(m.ip, p.encoder.at.ip)
	})
}

// byOrigin tells whether an edge may step up: no mid answers it.
func (p *play) byOrigin(e *machine) bool {
	return len(e.parents) == 0 && p.reaches(e, p.encoder.at) &&
		!slices.ContainsFunc(p.mids, func(m *machine) bool { return p.reaches(e, m) })
}

// reaches tells whether an edge knows another node and is not cut off from it.
func (p *play) reaches(e, m *machine) bool {
	if !m.up() || p.w.net.isCut(e.ip, m.ip) {
		return false
	}
	if len(e.parents) > 0 {
		return true
	}
	nodes, _ := e.Directory.Nodes()
	return slices.ContainsFunc(nodes, func(n cluster.Node) bool { return n.ID == m.id && !n.Drain })
}

// owners counts the encoders on air.
func (p *play) owners() (n int) {
	for _, e := range p.w.encoders {
		if e.ended() == nil {
			n++
		}
	}
	return n
}
