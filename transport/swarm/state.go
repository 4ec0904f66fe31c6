package swarm

import (
	"cmp"
	"slices"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// RoomState is what an operator sees of a swarm.
type RoomState struct {
	Namespace string `json:"namespace"`
	Track     string `json:"track"`
	// Viewers by mode; Control are those of the control group.
	Viewers int            `json:"viewers"`
	Modes   map[string]int `json:"modes"`
	Control int            `json:"control"`
	// Bitrate is the stream's, bit/s.
	Bitrate int64 `json:"bitrate"`
	// Depth is how far the deepest viewer is from the edge, in each tree.
	Depth []int `json:"depth"`
	// Roots are how many the edge feeds, in each tree.
	Roots []int `json:"roots"`
	// Offload is the part of the video that came from peers by the last reports,
	// Ceiling the part that could by the viewers' uplinks.
	Offload float64 `json:"offload"`
	Ceiling float64 `json:"ceiling"`
	// Fed and Hedged are bytes that the edge sent to those who are here now.
	Fed    int64 `json:"fed"`
	Hedged int64 `json:"hedged"`
}

// publish makes the room's state known.
func (d *desk) publish() {
	s := &RoomState{
		Namespace: string(d.r.key.namespace), Track: d.r.key.track, Viewers: len(d.members),
		Modes: make(map[string]int), Bitrate: d.r.bitrate(),
	}
	var peer, all, supply float64
	for _, m := range d.members {
		st := &m.standing
		s.Modes[string(st.mode)]++
		if st.control {
			s.Control++
		}
		s.Fed += m.totals.fed.Load()
		s.Hedged += m.totals.hedged.Load()
		peer += float64(st.last.PeerBytes)
		all += float64(st.last.PeerBytes + st.last.EdgeBytes + st.last.HedgeBytes)
		supply += d.supply(st)
	}
	if all > 0 {
		s.Offload = peer / all
	}
	if n := float64(len(d.members)); n > 0 {
		s.Ceiling = min(1, supply/n/float64(s.Bitrate))
	}
	s.Depth, s.Roots = d.shape()
	d.r.state.Store(s)
}

// supply is what a member can upload, bit/s: min(f·U, cap·B), zero for who does not.
func (d *desk) supply(s *standing) float64 {
	if s.mode != policy.ModeOn {
		return 0
	}
	p := &d.r.edge.cfg.Policy.Params
	most := min(p.Share*float64(s.uplink), p.CapFactor*float64(d.r.bitrate()))
	if p.Cap > 0 {
		most = min(most, float64(p.Cap))
	}
	if s.profile.Cap > 0 {
		most = min(most, float64(s.profile.Cap))
	}
	return most
}

// maxDepth ends a walk up a tree that has a loop, which viewers may claim.
const maxDepth = 16

// shape walks the trees by what viewers say of their parents.
func (d *desk) shape() (depth, roots []int) {
	k := d.r.edge.cfg.Policy.Params.Subs
	depth, roots = make([]int, k), make([]int, k)
	for _, m := range d.members {
		for sub := range k {
			n := d.hops(m, sub)
			depth[sub] = max(depth[sub], n)
			if n == 1 {
				roots[sub]++
			}
		}
	}
	return depth, roots
}

func (d *desk) hops(m *member, sub int) int {
	n := 1
	for ; n < maxDepth; n++ {
		if sub >= len(m.standing.parents) {
			break
		}
		next := d.members[m.standing.parents[sub]]
		if next == nil {
			break
		}
		m = next
	}
	return n
}

// State is what there is, for operators.
type State struct {
	Swarms []*RoomState `json:"swarms"`
	// Egress is what the edge sends, Capacity what it can, bit/s; Reserve is their
	// ratio, zero where there is no limit.
	Egress   int64   `json:"egress"`
	Capacity int64   `json:"capacity"`
	Reserve  float64 `json:"reserve"`
	Banned   int     `json:"banned"`
}

// Snapshot is the state now.
func (e *Edge) Snapshot() State {
	e.mu.Lock()
	rooms := make([]*room, 0, len(e.rooms))
	for _, r := range e.rooms {
		rooms = append(rooms, r)
	}
	s := State{Swarms: []*RoomState{}, Capacity: e.cfg.Policy.Capacity, Banned: len(e.bans)}
	e.mu.Unlock()
	s.Egress = e.egress.Load()
	if s.Capacity > 0 && s.Egress > 0 {
		s.Reserve = float64(s.Capacity) / float64(s.Egress)
	}
	for _, r := range rooms {
		if state := r.state.Load(); state != nil {
			s.Swarms = append(s.Swarms, state)
		}
	}
	slices.SortFunc(s.Swarms, func(a, b *RoomState) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Track, b.Track))
	})
	return s
}
