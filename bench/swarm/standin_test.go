package swarm_test

import (
	"time"

	"github.com/freshet-live/freshet/bench/swarm"
	policy "github.com/freshet-live/freshet/relay/swarm"
)

// idle takes what the edge feeds.
type idle struct{}

func (idle) Step(time.Duration, policy.Event) []policy.Action { return nil }

// bystander lets everybody be.
type bystander struct{}

func (bystander) Step(time.Duration, policy.TrackerEvent) []policy.TrackerAction { return nil }

// chain has each viewer fed by the one before it: the simplest that goes through every
// part of the model.
type chain struct{ last policy.PeerID }

func (c *chain) Step(_ time.Duration, e policy.TrackerEvent) []policy.TrackerAction {
	if e.Kind != policy.TrackerJoin {
		return nil
	}
	before := c.last
	c.last = e.Peer
	on := policy.TrackerAction{Kind: policy.TrackerMode, To: e.Peer, Mode: policy.ModeOn}
	if before == 0 {
		return []policy.TrackerAction{on}
	}
	return []policy.TrackerAction{
		on,
		{Kind: policy.TrackerCandidates, To: e.Peer, Candidates: []policy.Candidate{{Peer: before, Offer: true}}},
	}
}

// follower takes all from the first peer that it offered a connection to, and hands on
// what it has to whoever asks.
type follower struct {
	parent   policy.PeerID
	children []policy.PeerID
	have     map[policy.PieceID]bool
	// careless ones pass on what they have not got.
	careless bool
}

func (f *follower) Step(_ time.Duration, e policy.Event) []policy.Action {
	switch e.Kind {
	case policy.EventCandidates:
		f.parent = e.Candidates[0].Peer
		return []policy.Action{{Kind: policy.ActionConnect, Peer: f.parent, Offer: true}}
	case policy.EventOpen:
		if e.Peer == f.parent {
			return []policy.Action{
				{Kind: policy.ActionSub, Peer: f.parent},
				{Kind: policy.ActionFeed},
				{Kind: policy.ActionParents, Parents: []policy.PeerID{f.parent, f.parent, f.parent, f.parent}},
			}
		}
	case policy.EventSub:
		f.children = append(f.children, e.Peer)
	case policy.EventPiece:
		return f.pass(e.ID)
	case policy.EventBeacon:
		if f.careless {
			return f.pass(e.ID)
		}
	default: // It knows nothing else.
	}
	return nil
}

func (f *follower) pass(id policy.PieceID) []policy.Action {
	if f.have[id] {
		return nil
	}
	f.have[id] = true
	var out []policy.Action
	for _, c := range f.children {
		out = append(out, policy.Action{Kind: policy.ActionPush, Peer: c, ID: id})
	}
	return out
}

// still is a network and an audience without chance.
func still(viewers int) swarm.Config {
	c := swarm.DefaultConfig()
	c.Viewers, c.Session, c.NonUploaders = viewers, 0, 0
	c.Ramp, c.Warm, c.Duration = time.Second, 8*time.Second, 20*time.Second
	c.Network.Loss, c.Network.Connectable, c.Network.RTTSpread = 0, 1, 0
	c.NewBrain = func(policy.ViewerConfig) swarm.Brain { return idle{} }
	c.NewWarden = func(policy.TrackerConfig) swarm.Warden { return bystander{} }
	return c
}
