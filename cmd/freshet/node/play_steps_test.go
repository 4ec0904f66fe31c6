package node_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/freshet-live/freshet/ingest"
)

// step does one thing. Where all was calm, a viewer whose edge has a way left may not miss
// an object or wait long (I2, I9).
func (p *play) step(s step) {
	untouched := p.calm && p.published()
	disturbed := p.stranded()
	p.do(s, &disturbed)
	untouched = untouched && p.published()
	disturbed = append(disturbed, p.stranded()...)
	before := time.Now()
	time.Sleep(s.Pause)
	if untouched {
		p.look(disturbed)
	} else {
		p.glance()
	}
	p.calm = s.Pause >= settled && p.published()
	fmt.Fprintf(p.w.log, "==== %s: %v, calm %v\n", before.Format("04:05.000"), s, p.calm)
}

// do carries a step out, if it makes sense. It adds edges whose viewers it disturbs, as
// all do at once when the owner goes.
func (p *play) do(s step, disturbed *[]*machine) {
	all := p.nodes()
	a := all[s.A]
	fmt.Fprintf(p.w.log, "==== %s: %v\n", time.Now().Format("04:05.000"), s)
	switch s.What {
	case "kill":
		if a.up() {
			a.kill()
			*disturbed = append(*disturbed, a)
		}
	case "start":
		if !a.up() {
			a.start()
		}
	case "cut", "heal":
		links := p.links()
		l := links[(s.A*6+s.B)%len(links)]
		p.w.net.cut(l[0].ip, l[1].ip, s.What == "cut")
	case "publish":
		p.publish(p.origins[s.A%2])
	case "stop":
		p.encoder.stop()
	case "move":
		p.encoder.stop()
		p.publish(p.origins[s.A%2])
	case "drain":
		p.drain(slices.Concat(p.mids, p.edges)[s.A%4], disturbed)
	case "join", "join slow":
		e := p.edges[s.A%2]
		if !e.up() || len(p.w.viewers) >= 6 {
			return
		}
		if s.What == "join slow" {
			e.view(cam, slow(time.Second))
		} else {
			e.view(cam)
		}
	case "leave":
		if n := len(p.w.viewers); n > 2 {
			p.w.viewers[n-1].leave()
			p.w.viewers = p.w.viewers[:n-1]
		}
	case "directory down", "directory up":
		p.down = s.What == "directory down"
		p.w.directory.SetDown(p.down)
	case "isolate", "rejoin":
		if a.up() {
			a.link.SetDown(s.What == "isolate")
		}
	}
}

// drain ends a mid, whose children have another, or an edge, which sends its viewers to
// the other one if that is up.
func (p *play) drain(m *machine, disturbed *[]*machine) {
	if !m.up() {
		return
	}
	uri := ""
	if i := slices.Index(p.edges, m); i >= 0 {
		if other := p.edges[1-i]; other.up() {
			uri = other.id
		} else {
			*disturbed = append(*disturbed, m)
		}
	}
	whole := p.calm && p.onAir()
	began := time.Now()
	m.terminate(termination, uri)
	if d := time.Since(began); d > quit && whole && p.onAir() {
		p.problem("%s took %v to drain", m.id, d)
	}
}

func (p *play) publish(at *machine) {
	if !at.up() {
		return
	}
	e, err := at.publish(cam)
	switch {
	case err == nil:
		p.encoder = e
	case !errors.Is(err, ingest.ErrAlreadyPublishing):
		p.problem("%s refuses a publisher: %v", at.id, err)
	}
}
