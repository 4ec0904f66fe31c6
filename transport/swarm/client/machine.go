package client

import (
	"context"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
)

// machine is the state of a Viewer that runs. It is owned by Run's goroutine, but
// for what says otherwise.
type machine struct {
	v      *Viewer
	client *moqt.Client // Safe for others.
	start  time.Time    // Read-only.
	life   context.Context
	tasks  sync.WaitGroup

	track    string // The video track.
	policy   *swarm.Viewer
	stepping bool
	queue    []swarm.Event // What happened while the policy was being obeyed.

	edge       *edgeStream // Nil when there is no swarm.
	pings      edgePings
	welcome    *wire.Welcome
	media      *subscription // The video track's, at the start.
	beacons    *subscription
	candidates map[swarm.PeerID]wire.CandidatePeer
	links      map[swarm.PeerID]*link

	verifier *beacon.Verifier
	pending  *beacon.Pending
	store    store
	playout  playout
	// accusation is what a peer is accused of while the policy hears of it.
	accusation accusation
	// uplink is what the policy was told last.
	uplink int64
}

// accusation is evidence against a peer.
type accusation struct{ beacon, piece []byte }

func newMachine(v *Viewer, client *moqt.Client) *machine {
	params := swarm.DefaultParams()
	return &machine{
		v: v, client: client, start: time.Now(),
		policy:     swarm.NewViewer(swarm.ViewerConfig{Seed: v.cfg.Seed}),
		candidates: make(map[swarm.PeerID]wire.CandidatePeer),
		links:      make(map[swarm.PeerID]*link),
		pending:    beacon.NewPending(),
		store:      newStore(),
		playout:    playout{delay: params.Delay},
	}
}

// since is a time as the policy counts it.
func (m *machine) since(t time.Time) time.Duration { return t.Sub(m.start) }

// run looks at what happens until ctx or the session ends.
func (m *machine) run(ctx context.Context) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case f := <-m.v.inbox:
			f(m)
		case now := <-tick.C:
			m.tick(now)
		case <-m.client.Done():
			return wrap("session", m.client.Err())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// post has the owner do something, as long as the viewer lives.
func (m *machine) post(f func(*machine)) error { return m.v.post(m.life, f) }

func (m *machine) tick(now time.Time) {
	m.tellQueues()
	m.tellUplink()
	m.pingEdge(time.Now())
	for _, h := range m.pending.Expire(m.since(now)) {
		m.forgotten(h)
	}
	m.step(now, swarm.Event{Kind: swarm.EventTick})
	m.play(now)
}

// pingEdge measures the way to the edge, when it is time.
func (m *machine) pingEdge(now time.Time) {
	if m.welcome == nil {
		return
	}
	if id, ok := m.pings.due(now); ok {
		m.tell(&wire.Ping{ID: id})
	}
}

// step tells the policy what happened, and does what it wants.
func (m *machine) step(now time.Time, e swarm.Event) {
	m.traceEvent(&e)
	if m.stepping { // Its actions are valid until it is told more.
		m.queue = append(m.queue, e)
		return
	}
	m.stepping = true
	m.obey(now, m.policy.Step(m.since(now), e))
	for len(m.queue) > 0 {
		e := m.queue[0]
		m.queue = m.queue[1:]
		m.obey(now, m.policy.Step(m.since(now), e))
	}
	m.stepping = false
}

func (m *machine) obey(now time.Time, actions []swarm.Action) {
	for i := range actions {
		m.perform(now, &actions[i])
	}
}

// tellQueues tells what waits to be sent to peers, where that has changed.
func (m *machine) tellQueues() {
	now := time.Now()
	for peer, l := range m.links {
		if q := l.conn.Queued(); l.open && q != l.queued {
			l.queued = q
			m.step(now, swarm.Event{Kind: swarm.EventQueue, Peer: peer, Size: q})
		}
	}
}

func (m *machine) tellUplink() {
	if rate := m.v.cfg.Peers.Uplink(); rate != m.uplink {
		m.uplink = rate
		m.step(time.Now(), swarm.Event{Kind: swarm.EventUplink, Rate: rate})
	}
}

// update tells the edge what has changed of the viewer's situation.
func (m *machine) update(s Situation) {
	c, uplink := wire.Count(s.Cap), wire.Count(m.uplink)
	m.tell(&wire.Update{
		Consent: &s.Consent, Net: &s.Net, SaveData: &s.SaveData, LowBattery: &s.LowBattery, Hidden: &s.Hidden,
		Cap: &c, Uplink: &uplink,
	})
}

// leave says good-bye to peers and edge, and ends all connections.
func (m *machine) leave() {
	now := time.Now()
	m.step(now, swarm.Event{Kind: swarm.EventLeave})
	if len(m.links) > 0 || m.edge != nil {
		time.Sleep(farewell)
	}
	for _, l := range m.links {
		l.cancel()
	}
	if m.edge != nil {
		m.edge.close()
	}
	m.media.close()
	m.beacons.close()
}
