package node_test

import (
	"errors"
	"fmt"
	"slices"
	"time"
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
	for i, draft := range []string{"@18", "@16"} {
		p.edges = append(p.edges, w.edge(fmt.Sprint("e", i), "m0"+draft, "m1"+draft))
	}
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
func (p *play) onAir() bool {
	if p.encoder.ended() != nil || !p.encoder.at.up() || p.owners() != 1 {
		return false
	}
	way := func(e *machine) bool {
		return slices.ContainsFunc(p.mids, func(m *machine) bool {
			return m.up() && !p.w.net.isCut(e.ip, m.ip) && !p.w.net.isCut(m.ip, p.encoder.at.ip)
		})
	}
	return !slices.ContainsFunc(p.edges, func(e *machine) bool { return e.up() && !way(e) })
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
