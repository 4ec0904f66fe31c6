package swarm

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// TrackerConfig configures a Tracker. Zero values mean the defaults named.
type TrackerConfig struct {
	Params Params
	// Seed makes what is drawn at random reproducible.
	Seed uint64
	// Small is the fewest viewers willing to take part for which there is a swarm;
	// 0 is 2.
	Small int
	// Reveal bounds the peers made known to a viewer in ten minutes; those that it
	// feeds, by their word, are not counted up to as many again. 0 is 12.
	Reveal int
	// Reserve is how many times its present egress the edge must be able to send;
	// 0 is 2.5.
	Reserve float64
	// MinLoad is the share of the edge's capacity below which viewers need not help:
	// the swarm is on from MinLoad on, and off again below 0.7 of it. 0 is always.
	MinLoad float64
	// Off are the ASNs whose viewers stay with the edge.
	Off []uint32
}

// Tracker keeps one swarm at its edge: who is there, who may feed whom, the tree
// of each sub-stream. It is used by one goroutine at a time.
type Tracker struct {
	cfg    TrackerConfig
	params Params
	rand   *rand.Rand
	now    time.Duration
	out    []TrackerAction

	members map[PeerID]*member
	order   []*member // As they joined; gone ones are nil until compacted.
	gone    int
	willing int

	present, free index
	prefixes      map[int]int // How many members are of each.
	asns          map[uint32]int
	roots         []bag

	load    load
	killed  bool
	passAt  time.Duration
	moves   float64
	movedAt time.Duration
	cursor  int

	banned map[netip.Addr]time.Duration
	bans   []time.Duration
	totals totals
}

// NewTracker makes a Tracker without viewers.
func NewTracker(cfg TrackerConfig) *Tracker {
	if cfg.Params.Subs == 0 {
		cfg.Params = DefaultParams()
	}
	cfg.Params.Subs = min(max(cfg.Params.Subs, 1), maxSubs)
	cfg.Small = defaulted(cfg.Small, 2)
	cfg.Reveal = defaulted(cfg.Reveal, 12)
	cfg.Reserve = defaulted(cfg.Reserve, 2.5)
	t := &Tracker{
		cfg: cfg, params: cfg.Params, rand: rand.New(rand.NewPCG(cfg.Seed, 0x5ee0)),
		members: map[PeerID]*member{}, banned: map[netip.Addr]time.Duration{}, prefixes: map[int]int{}, asns: map[uint32]int{},
		present: newIndex(bagPresent), free: newIndex(bagFree),
	}
	t.load.idle = cfg.MinLoad > 0
	for s := range cfg.Params.Subs {
		t.roots = append(t.roots, bag{kind: bagRoots + s})
	}
	return t
}

func defaulted[T comparable](value, instead T) T {
	var zero T
	if value == zero {
		return instead
	}
	return value
}

// Step tells what happened and gives what is to be said to viewers. The actions
// are valid until the next call.
func (t *Tracker) Step(now time.Duration, e TrackerEvent) []TrackerAction {
	t.now = max(t.now, now)
	t.out = t.out[:0]
	switch e.Kind {
	case TrackerJoin:
		t.join(e.Peer, e.Profile)
	case TrackerLoad:
		t.loaded(e)
	case TrackerKill:
		t.kill(e.Off)
	case TrackerTick:
		t.tick()
	default:
		if m := t.members[e.Peer]; m != nil {
			t.said(m, e)
		}
	}
	return t.out
}

// said handles what a viewer said.
func (t *Tracker) said(m *member, e TrackerEvent) {
	switch e.Kind {
	case TrackerUpdate:
		t.update(m, e.Profile)
	case TrackerLeave:
		t.leave(m)
	case TrackerLink:
		t.linked(m, e)
	case TrackerParents:
		t.parents(m, e.Parents)
	case TrackerReport:
		if e.Report != nil {
			t.report(m, e.Report)
		}
	case TrackerInvalid:
		t.accused(m, e.Other, e.Proven)
	default:
	}
}

func (t *Tracker) say(a TrackerAction) { t.out = append(t.out, a) }

// tick looks for better places each time, and over everybody each half second.
func (t *Tracker) tick() {
	t.refill()
	if t.now >= t.passAt {
		t.passAt = t.now + 500*time.Millisecond
		t.compact()
		for _, m := range t.order {
			if m != nil {
				t.check(m)
			}
		}
		t.relieve()
	}
	t.improve()
}

// compact takes out those who are gone when they are many.
func (t *Tracker) compact() {
	if t.gone*4 < len(t.order) {
		return
	}
	t.order = slices.DeleteFunc(t.order, func(m *member) bool { return m == nil })
	for i, m := range t.order {
		m.place = i
	}
	t.gone = 0
}
