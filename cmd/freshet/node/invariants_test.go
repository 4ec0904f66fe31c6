package node_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/uplink"
)

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
		most := failover
		if len(p.w.machines[r.at].parents) == 0 {
			most = steppingUp
		}
		if r.ends > 0 || r.longest > most {
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
	for _, m := range p.edges[1].connected() {
		if slices.Contains(p.origins, p.w.machines[m]) {
			p.problem("e1 is still connected to %s", m)
		}
	}
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
			perSecond := len(payload(1<<60, relay.Location{})) + perGroup*64
			if n := m.metric("freshet_relay_log_bytes"); n > float64(perSecond)*(window.Seconds()+5) {
				p.problem("%v bytes in the logs of %s", n, m.id)
			}
		}
	}
}
