package swarm

import (
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// takeBeacon is a chunk's beacon, from the edge or before a peer's piece. Only the first
// counts.
func (v *viewer) takeBeacon(ch *chunk) {
	if !v.watches || !v.learn(v.w.stream.chunkIndex(ch)) {
		return
	}
	v.step(policy.Event{
		Kind: policy.EventBeacon, ID: policy.PieceID{Group: ch.group, N: ch.first}, Sizes: ch.sizes, PTS: ch.pts,
	})
}

// learn marks a chunk's beacon as known, and says whether it was not.
func (v *viewer) learn(i int) bool {
	switch {
	case i < v.known && !v.gaps[i]:
		return false
	case i < v.known:
		delete(v.gaps, i)
		return true
	}
	for gap := v.known; gap < i; gap++ {
		v.gaps[gap] = true
	}
	v.known = i + 1
	return true
}

// takeEdge is a piece from the edge.
func (v *viewer) takeEdge(i int, hedged bool) {
	if !v.watches {
		return
	}
	p := &v.w.stream.pieces[i]
	v.takeBeacon(&v.w.stream.chunks[p.chunk])
	if v.came[i] == 0 {
		v.keep(i)
	}
	v.step(policy.Event{Kind: policy.EventPiece, Peer: policy.Edge, ID: p.id, Size: p.size, Hedged: hedged})
	v.player.judge(v)
}

// takePeer is a piece from a peer. It is verified before the Brain hears of it.
func (v *viewer) takePeer(c *parcel) {
	if !v.watches {
		return
	}
	p, t := &v.w.stream.pieces[c.piece], v.w.tally()
	if c.invalid {
		t.invalid += int64(p.size)
		v.step(policy.Event{Kind: policy.EventInvalid, Peer: c.from.id, ID: p.id})
		return
	}
	v.takeBeacon(&v.w.stream.chunks[p.chunk])
	late := v.w.now > v.player.deadline(v, p.chunk)
	switch {
	case v.came[c.piece] != 0:
		t.duplicate += int64(p.size)
	case late:
		t.late += int64(p.size)
	default:
		v.countPeer(c, p.size)
	}
	if v.came[c.piece] == 0 {
		v.keep(c.piece)
	}
	v.step(policy.Event{Kind: policy.EventPiece, Peer: c.from.id, ID: p.id, Size: p.size})
	v.player.judge(v)
}

// countPeer counts a piece that came verified and in time from a peer, for the first time.
func (v *viewer) countPeer(c *parcel, size int) {
	t := v.w.tally()
	t.peer += int64(size)
	v.peerBytes += int64(size)
	if v.asked[pull{c.from.id, c.piece}] {
		t.pulled += int64(size)
	}
	if c.from.host.region != v.host.region {
		t.crossRegion += int64(size)
	}
	if v.w.counts() {
		v.w.lag.AddDuration(v.w.now - v.w.stream.chunks[v.w.stream.pieces[c.piece].chunk].at)
	}
}

// keep notes when a piece came.
func (v *viewer) keep(i int) {
	v.came[i] = int32(v.w.now/(10*time.Microsecond)) + 1
}

// cameAt is when a piece came; it has.
func (v *viewer) cameAt(i int) time.Duration {
	return time.Duration(v.came[i]-1) * 10 * time.Microsecond
}
