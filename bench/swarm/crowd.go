package swarm

import (
	"math"
	"net/netip"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// crowd plans the first viewers.
func (w *world) crowd() {
	for range w.cfg.Viewers {
		w.at(time.Duration(w.people.Float64()*float64(w.cfg.Ramp)), func() { w.arrive(w.rest()) })
	}
}

// newcomer is a viewer who has seen nothing yet.
func (w *world) newcomer() { w.arrive(w.stay()) }

// arrive is a viewer's coming. When it has seen enough another one comes in its place.
func (w *world) arrive(stay time.Duration) {
	v := w.visit(w.newHost())
	if w.cfg.Session <= 0 {
		return
	}
	w.after(stay, func() {
		if !v.watches {
			return
		}
		v.leave(w.people.Float64() < w.cfg.Silent)
		w.after(time.Duration(w.people.ExpFloat64()*float64(time.Second)), w.newcomer)
	})
}

// stay is how long a viewer watches: log-normal, at least a second.
func (w *world) stay() time.Duration {
	s := w.cfg.SessionSpread
	mean := math.Log(w.cfg.Session.Seconds()) - s*s/2
	return max(time.Second, time.Duration(math.Exp(mean+s*w.people.NormFloat64())*float64(time.Second)))
}

// rest is how long one of an audience still stays that has been there for long: who is
// met at a moment is more likely one who stays long, and somewhere within his stay.
func (w *world) rest() time.Duration {
	s := w.cfg.SessionSpread
	biased := math.Log(max(w.cfg.Session.Seconds(), 1)) + s*s/2
	stay := w.people.Float64() * math.Exp(biased+s*w.people.NormFloat64())
	return time.Duration(min(max(stay, 1), 1e6) * float64(time.Second))
}

// visit begins a viewer's visit: its session with the edge takes a round trip and a half.
func (w *world) visit(h *host) *viewer {
	v := &viewer{
		w: w, id: policy.PeerID(len(w.viewers) + 1), host: h, watches: true, joined: w.now, mode: policy.ModeEdge,
		came: make([]int32, len(w.stream.pieces)), asked: make(map[pull]bool), gaps: make(map[int]bool),
		player: player{delay: w.cfg.Params.Delay}, parents: make([]policy.PeerID, w.cfg.Params.Subs),
	}
	w.viewers = append(w.viewers, v)
	h.number = len(w.viewers)
	v.brain = w.cfg.NewBrain(policy.ViewerConfig{Seed: w.cfg.Seed<<20 + uint64(h.number)})
	v.part = w.cast(v)
	w.after(h.edgeRTT*3/2, func() {
		if v.watches {
			w.edge.join(v)
			v.start()
		}
	})
	return v
}

// newHost draws a machine. Up and down are of one rank, as far as the figures let one
// guess; nobody watches what his line cannot carry, so the downlink is twice the bitrate
// at least.
func (w *world) newHost() *host {
	n, r := &w.cfg.Network, w.people
	rank := r.Float64()
	h := &host{
		region: r.IntN(n.Regions), cellular: r.Float64() < w.cfg.NonUploaders,
		edgeRTT: n.EdgeRTT + time.Duration(r.ExpFloat64()*float64(n.EdgeRTTMean)),
		uplink:  w.access.uplink(rank), downlink: max(w.access.downlink(rank), 2*w.cfg.Bitrate),
	}
	h.asn = 64_512 + h.region*n.ASNs + min(n.ASNs-1, int(r.ExpFloat64()*float64(n.ASNs)/4))
	// Addresses that nobody has, and that are no home network's: their /24 says something.
	h.address = netip.AddrFrom4([4]byte{240, byte(h.asn), byte(r.IntN(256)), byte(r.IntN(254) + 1)})
	return h
}

// present are those who watch, in the order in which they came.
func (w *world) present() []*viewer {
	var out []*viewer
	for _, v := range w.viewers {
		if v.watches {
			out = append(out, v)
		}
	}
	return out
}
