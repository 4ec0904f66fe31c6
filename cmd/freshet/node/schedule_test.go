package node_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/uplink"
)

const (
	// schedules are run where nobody asks for more, which is what CI has time for.
	schedules = 4
	// settled is how long after a step everything has to be as if nothing was: twice the
	// idle time of an uplink, its longest wait, and the time of a dial.
	settled = 15 * time.Second
	// failover is the longest wait for an object where another way is in place.
	failover = 2 * time.Second
	// termination is how long a node that drains waits for the others to leave; all do
	// within quit.
	termination, quit = 10 * time.Second, 5 * time.Second
)

// step is one thing that happens, and the time that passes after it.
type step struct {
	What  string
	A, B  int
	Pause time.Duration
}

func (s step) String() string { return fmt.Sprintf("%s %d %d, %v", s.What, s.A, s.B, s.Pause) }

var steps = rapid.Custom(func(t *rapid.T) step {
	return step{
		What: rapid.SampledFrom([]string{
			"kill", "kill", "start", "cut", "cut", "heal", "publish", "stop", "move",
			"join", "join slow", "leave", "directory down", "directory up", "isolate", "rejoin",
			"drain", "drain",
		}).Draw(t, "what"),
		A: rapid.IntRange(0, 5).Draw(t, "a"),
		B: rapid.IntRange(0, 5).Draw(t, "b"),
		Pause: rapid.SampledFrom([]time.Duration{
			0, 30 * time.Millisecond, 370 * time.Millisecond, time.Second, 2900 * time.Millisecond,
			6 * time.Second, settled, settled,
		}).Draw(t, "pause"),
	}
})

// TestSchedules does at random what can be done to two origins, two mids, two edges,
// their network and their directory, and checks docs/invariants.md meanwhile.
func TestSchedules(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := flag.Set("rapid.checks", fmt.Sprint(schedules)); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		list := rapid.SliceOfN(steps, 2, 12).Draw(rt, "steps")
		var p *play
		synctest.Test(t, func(t *testing.T) {
			p = newPlay(newWorld(t))
			p.run(list)
		})
		if p.problems != nil {
			log := filepath.Join(os.TempDir(), "schedule.log")
			_ = os.WriteFile(log, []byte(p.w.log.String()), 0o600)
			rt.Fatalf("%v\nlog: %s", p.problems, log)
		}
	})
}

// play is a schedule under way.
var at0 relay.Location

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

// step does one thing. Where all was calm, and a way is left to every edge, no viewer
// may miss an object or wait long (I2).
func (p *play) step(s step) {
	untouched := p.calm && p.onAir()
	var disturbed []*machine
	p.do(s, &disturbed)
	untouched = untouched && p.onAir()
	before := time.Now()
	time.Sleep(s.Pause)
	if untouched {
		p.look(disturbed)
	} else {
		p.glance()
	}
	p.calm = s.Pause >= settled && p.onAir()
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

// look holds what the viewers saw since the last time against I1 to I3 and I7, but
// those of disturbed edges to what must never be.
func (p *play) look(disturbed []*machine) {
	p.check(func(v *viewer, r report) {
		away := slices.ContainsFunc(disturbed, func(m *machine) bool { return m.id == r.at })
		if away || v.slow() || !p.w.machines[r.at].up() {
			return
		}
		for _, g := range r.gaps {
			p.problem("gap: %s", g)
		}
		if r.ends > 0 || r.longest > failover {
			p.problem("%s at %s: %v without an object, thrown out %d times", v.ip, r.at, r.longest, r.ends)
		}
	})
}

// glance is for times when objects may be missed.
func (p *play) glance() { p.check(func(*viewer, report) {}) }

func (p *play) check(each func(*viewer, report)) {
	for _, v := range p.w.viewers {
		r := v.since()
		for _, text := range r.wrong {
			p.problem("%s", text)
		}
		each(v, r)
	}
	if err := p.w.checkRoutes(); err != nil {
		p.problem("%v", err)
	}
}

// quiesce repairs everything and waits: then everybody sees everything, from one
// owner, by one subscription a track at every node (I3 to I6).
func (p *play) quiesce() {
	fmt.Fprintf(p.w.log, "==== %s: quiesce\n", time.Now().Format("04:05.000"))
	p.w.directory.SetDown(false)
	for _, l := range p.links() {
		p.w.net.cut(l[0].ip, l[1].ip, false)
	}
	for _, m := range p.nodes() {
		if !m.up() {
			m.start()
		}
		m.link.SetDown(false)
	}
	time.Sleep(settled)
	for range 3 {
		if p.owners() > 0 {
			break
		}
		p.publish(p.origins[0])
		time.Sleep(hold)
	}
	time.Sleep(uplink.DefaultGrace + settled)
	p.glance()
	time.Sleep(settled)
	if n := p.owners(); n != 1 {
		p.problem("%d owners", n)
	}
	epoch := uint64(0)
	p.check(func(v *viewer, r report) {
		if v.slow() {
			if r.objects == 0 {
				p.problem("after all is well, %s at %s sees nothing", v.ip, r.at)
			}
			return
		}
		if err := r.flawless(settled, 300*time.Millisecond); err != nil {
			p.problem("after all is well, %s at %s: %w", v.ip, r.at, err)
		}
		if epoch == 0 {
			epoch = r.epoch
		}
		if r.epoch != epoch {
			p.problem("%s at %s watches epoch %d, another %d", v.ip, r.at, r.epoch, epoch)
		}
	})
	p.checkLoad()
}

// checkLoad: at most one subscription for each track, child or viewer (I4), and no
// more in the logs than their window (I6).
func (p *play) checkLoad() {
	viewers := make(map[string]int)
	for _, v := range p.w.viewers {
		viewers[v.since().at]++
	}
	for tier, list := range [][]*machine{p.origins, p.mids, p.edges} {
		for _, m := range list {
			// Each child hears the announcements, and may have the one track.
			most := viewers[m.id]
			if tier < 2 {
				most = 2 * 2
			}
			if n := m.metric("freshet_moqt_subscriptions"); n > float64(most) {
				p.problem("%v subscriptions at %s", n, m.id)
			}
			if n := m.metric("freshet_relay_upstream_subscriptions"); n > 1 {
				p.problem("%v subscriptions of %s", n, m.id)
			}
			perSecond := len(payload(1<<60, at0)) + perGroup*64
			if n := m.metric("freshet_relay_log_bytes"); n > float64(perSecond)*(window.Seconds()+5) {
				p.problem("%v bytes in the logs of %s", n, m.id)
			}
		}
	}
}
