package swarm

import "time"

// Microseconds: the Viewer counts in them, so that Go and TypeScript do the same
// arithmetic on whole numbers below 2^53.
const (
	millisecond int64 = 1000
	second            = 1000 * millisecond
)

// ViewerConfig configures a Viewer.
type ViewerConfig struct {
	// Seed makes what is drawn at random reproducible; its low 32 bits count.
	Seed uint64
}

// Viewer decides for one viewer of a swarm: what it takes from whom, and what it
// gives. It is used by one goroutine at a time.
type Viewer struct {
	now    int64
	out    []Action
	random random

	params limits
	self   PeerID
	joined bool
	// mode and reason are what the edge, or the viewer's machine, allows; shown is
	// what people were told.
	mode   Mode
	reason Reason
	shown  state
	hidden int64 // since when, -1 is not.

	table table
	// offset is when media time 0 is displayed.
	offset  int64
	playing bool
	// slack is how long after its beacon a piece is due, smoothed.
	slack   int64
	bitrate rate

	subs []substream
	// fed is the mask the edge was told last, -1 is nothing; feedFrom is where
	// sub-streams that come to the edge start.
	fed      int
	feedFrom PieceID
	// edgeHead is the latest piece that the edge has fed.
	edgeHead PieceID
	parents  []PeerID

	peers []*peer // By number.
	bans  []ban

	hedger hedger
	upload upload
	guard  guard
	report counters

	haveAt, reportAt, secondAt, tickAt int64
}

// state is what people see.
type state struct {
	mode   Mode
	reason Reason
}

// NewViewer makes a Viewer that has heard of nothing: the edge feeds all.
func NewViewer(cfg ViewerConfig) *Viewer {
	v := &Viewer{random: random(cfg.Seed), mode: ModeEdge, fed: -1, hidden: -1}
	v.setParams(DefaultParams())
	v.upload.limit = -1
	v.upload.joinedAt = -1
	return v
}

// Step tells what happened and gives what is to be done. The actions are valid
// until the next call. Fractions of a microsecond do not count.
func (v *Viewer) Step(now time.Duration, e Event) []Action {
	v.now = max(v.now, now.Microseconds())
	v.out = v.out[:0]
	v.handle(e)
	v.drain()
	v.settle()
	return v.out
}

func (v *Viewer) handle(e Event) {
	switch e.Kind {
	case EventWelcome:
		v.welcome(e)
	case EventMode:
		v.setMode(e.Mode, e.Reason)
	case EventDelay:
		v.params.delay = e.Delay.Microseconds()
	case EventSlots:
		v.upload.limit = e.Count
	case EventBeacon:
		v.beacon(e)
	case EventPiece:
		v.piece(e)
	case EventPlayout:
		v.offset, v.playing = v.now+e.Offset.Microseconds(), true
	case EventStall:
		v.stall()
	case EventHedgeDone:
		v.hedgeDone(e.Count)
	case EventUplink:
		v.upload.uplink = max(0, e.Rate)
	case EventTick:
		v.tick()
	default:
		v.handlePeer(e)
	}
}

// handlePeer is told what has to do with one peer, or with those that come.
func (v *Viewer) handlePeer(e Event) {
	switch e.Kind {
	case EventCandidates:
		v.candidates(e.Candidates)
	case EventAssign:
		v.assign(e)
	case EventDrop:
		v.drop(e.Peer, e.Reason, e.Delay.Microseconds())
	case EventOpen:
		v.opened(e.Peer, e.RTT.Microseconds())
	case EventFailed:
		v.failed(e.Peer)
	case EventClosed:
		v.closed(e.Peer)
	case EventRTT:
		v.roundTrip(e.Peer, e.RTT.Microseconds())
	case EventQueue:
		v.queued(e.Peer, e.Size)
	case EventInvalid:
		v.invalid(e.Peer, e.ID)
	case EventLeave:
		v.left(e.Peer)
	default:
		v.handleMessage(e)
	}
}

// handleMessage is told what an open peer said.
func (v *Viewer) handleMessage(e Event) {
	p := v.peer(e.Peer)
	if p == nil || !p.open {
		return
	}
	switch e.Kind {
	case EventSub:
		v.subscribed(p, e.Sub, e.ID)
	case EventUnsub:
		v.unsubscribed(p, e.Sub)
	case EventHave:
		v.haveCame(p, e.Have)
	case EventPull:
		v.pulled(p, e.IDs)
	case EventCancel:
		p.cancel(e.IDs)
	case EventRefuse:
		v.refused(p, e)
	default:
	}
}

func (v *Viewer) do(a Action) { v.out = append(v.out, a) }

// tick does what time brings, the most urgent first.
func (v *Viewer) tick() {
	v.overdue()
	v.table.sweep(v.now - v.offset - giveUp)
	v.table.prune(v.now - v.offset - keep)
	v.tend()
	v.ramp()
	v.hide()
	if v.now-v.haveAt >= 200*millisecond {
		v.haveAt = v.now
		v.tellHave()
	}
	if v.now-v.secondAt >= second {
		v.secondAt = v.now
		v.age()
	}
	if v.joined && v.now-v.reportAt >= second {
		v.tellReport()
		v.reportAt = v.now
	}
}

// settle tells the edge, and people, what this step has changed.
func (v *Viewer) settle() {
	if !v.joined {
		return
	}
	v.settleFeed()
	v.settleParents()
	v.settleState()
}

func (v *Viewer) settleFeed() {
	mask := 0
	for s := range v.subs {
		if v.subs[s].parent == Edge {
			mask |= 1 << s
		}
	}
	if mask == v.fed || len(v.table.groups) == 0 {
		return
	}
	from := v.feedFrom
	if from == (PieceID{}) {
		from = v.table.next()
	}
	v.fed, v.feedFrom = mask, PieceID{}
	v.do(Action{Kind: ActionFeed, Subs: mask, ID: from})
}

// feedAgain makes the next FEED start at id or before.
func (v *Viewer) feedAgain(id PieceID) {
	if v.feedFrom == (PieceID{}) || id.Less(v.feedFrom) {
		v.feedFrom = id
	}
}

func (v *Viewer) settleParents() {
	same := len(v.parents) == len(v.subs)
	for s := range v.subs {
		same = same && v.parents[s] == v.subs[s].parent
	}
	if same {
		return
	}
	v.parents = make([]PeerID, len(v.subs))
	for s := range v.subs {
		v.parents[s] = v.subs[s].parent
	}
	v.do(Action{Kind: ActionParents, Parents: v.parents})
}

func (v *Viewer) settleState() {
	now := state{v.mode, v.reason}
	if v.mode != ModeEdge && v.guard.until > v.now {
		now = state{ModeEdge, "breaker"}
	}
	if now != v.shown {
		v.shown = now
		v.do(Action{Kind: ActionState, Mode: now.mode, Reason: now.reason})
	}
}
