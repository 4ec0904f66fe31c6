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
	// Viewers by mode, and by the reason why they are not in all.
	Viewers int            `json:"viewers"`
	Modes   map[string]int `json:"modes"`
	Reasons map[string]int `json:"reasons"`
	// Bitrate is the stream's, bit/s; Delay the playout delay, in seconds.
	Bitrate int64   `json:"bitrate"`
	Delay   float64 `json:"delay"`
	// Subscriptions to sub-streams by how far they are from the edge: those at 1 it
	// feeds itself.
	Depths []int `json:"depths"`
	Slots  int   `json:"slots"`
	Used   int   `json:"used"`
	// Offload is the part of the video that came from peers by the last reports,
	// Ceiling the part that could by the viewers' uplinks.
	Offload float64 `json:"offload"`
	Ceiling float64 `json:"ceiling"`
	// Fed and Hedged are bytes that the edge sent to those who are here now.
	Fed    int64 `json:"fed"`
	Hedged int64 `json:"hedged"`
	// Swarm and Control compare, over the last minutes; Killed are the cohorts whose
	// swarm is off.
	Swarm   Fare     `json:"swarm"`
	Control Fare     `json:"control"`
	Killed  []string `json:"killed"`
}

// Fare is how viewers fared.
type Fare struct {
	PlaySeconds   float64 `json:"playSeconds"`
	StallsPerHour float64 `json:"stallsPerHour"`
	Rebuffer      float64 `json:"rebuffer"`
	Hedged        float64 `json:"hedged"`
	Waste         float64 `json:"waste"`
	Late          float64 `json:"late"`
}

func fareOf(f policy.Figures) Fare {
	return Fare{
		PlaySeconds: f.PlayTime.Seconds(), StallsPerHour: f.StallsPerHour(), Rebuffer: f.Rebuffer(),
		Hedged: f.Hedged(), Waste: f.Waste(), Late: f.Late(),
	}
}

// publish makes the room's state known.
func (d *desk) publish() {
	t := d.tracker.Stats()
	s := &RoomState{
		Namespace: string(d.r.key.namespace), Track: d.r.key.track, Viewers: len(d.members),
		Modes: make(map[string]int), Reasons: make(map[string]int), Bitrate: d.r.bitrate(), Delay: t.Delay.Seconds(),
		Depths: t.Depths, Slots: t.Slots, Used: t.Used, Ceiling: t.Ceiling,
	}
	var last policy.Figures
	for _, m := range d.members {
		st := &m.standing
		s.Modes[string(st.mode)]++
		if st.reason != "" {
			s.Reasons[reasonLabel(st.reason)]++
		}
		s.Fed += m.totals.fed.Load()
		s.Hedged += m.totals.hedged.Load()
		last = last.Add(figuresOf(&st.last))
	}
	s.Offload = last.Offload()
	swarm, control := d.health.Window(d.now(), wholeStream)
	s.Swarm, s.Control = fareOf(swarm), fareOf(control)
	for _, c := range d.health.Cohorts() {
		if d.health.Off(c) {
			s.Killed = append(s.Killed, c)
		}
	}
	d.r.state.Store(s)
}

// State is what there is, for operators.
type State struct {
	Swarms []*RoomState `json:"swarms"`
	// Egress is what the edge sends, Capacity what it can, bit/s; Reserve is their
	// ratio, zero where there is no limit.
	Egress   int64   `json:"egress"`
	Capacity int64   `json:"capacity"`
	Reserve  float64 `json:"reserve"`
	// Admit is false when the edge could not take its viewers back and should be given
	// no more.
	Admit  bool `json:"admit"`
	Banned int  `json:"banned"`
}

// Snapshot is the state now.
func (e *Edge) Snapshot() State {
	e.mu.Lock()
	rooms := make([]*room, 0, len(e.rooms))
	for _, r := range e.rooms {
		rooms = append(rooms, r)
	}
	s := State{Swarms: []*RoomState{}, Capacity: e.cfg.Policy.Capacity, Admit: e.Admits(), Banned: len(e.bans)}
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
