package swarm

import (
	"net/netip"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// Role is a way not to play by the rules.
type Role string

// The roles.
const (
	// Polluter sends other bytes than it was given.
	Polluter Role = "polluter"
	// FreeRider takes, promises, and sends nothing.
	FreeRider Role = "free rider"
	// Flooder asks the edge for what it has, as often as it can.
	Flooder Role = "flooder"
	// Sybil is one of many of one network who offer much, and stop all at once.
	Sybil Role = "sybil"
)

// Part is a role that every so many viewers play, from a time on.
type Part struct {
	Role  Role
	Every int
	From  time.Duration
}

// cast gives a newcomer its part, nil for most.
func (w *world) cast(v *viewer) *Part {
	for i := range w.cfg.Cast {
		part := &w.cfg.Cast[i]
		if part.Every <= 0 || v.host.number%part.Every != part.Every/2 {
			continue
		}
		v.host.cellular, v.host.uplink = false, max(v.host.uplink, 50_000_000)
		if part.Role == Sybil {
			v.host.region, v.host.asn = 0, 64_496
			v.host.address = netip.AddrFrom4([4]byte{198, 51, 100, byte(1 + v.host.number%254)})
		}
		return part
	}
	return nil
}

func (p *Part) plays(v *viewer, role Role) bool {
	return p != nil && p.Role == role && v.w.now >= p.From
}

// withholds says whether v does not send what it should.
func (p *Part) withholds(v *viewer) bool { return p.plays(v, FreeRider) || p.plays(v, Sybil) }

// poisons says whether v sends other bytes.
func (p *Part) poisons(v *viewer) bool {
	if !p.plays(v, Polluter) {
		return false
	}
	if _, ok := v.w.poison[v.id]; !ok {
		v.w.poison[v.id] = v.w.now
	}
	return true
}

// lies changes what the edge is told.
func (p *Part) lies(r *policy.Report) {
	if p != nil && p.Role == FreeRider {
		r.Slots = max(r.Slots, 16)
	}
}

// misbehave is what a role does at each tick.
func (v *viewer) misbehave() {
	if !v.part.plays(v, Flooder) {
		return
	}
	end := v.w.edge.end()
	var ids []policy.PieceID
	for i := max(0, end-64); i < end; i++ {
		ids = append(ids, v.w.stream.pieces[i].id)
	}
	v.toEdge(func(e *edge, m *member) { m.hedge(e, 1<<20+v.ticks, ids) })
}
