package swarm

import "time"

// tally is what was counted in a second. Bytes but where another unit is said.
type tally struct {
	// What the edge sent: pieces of fed sub-streams, those of the group that runs when a
	// viewer comes, hedges, and what always comes from it.
	fed, backlog, hedged, audio, beacons int64
	// What came from peers: verified, in time and for the first time; those of it that
	// were pulled, and that came from another region; what was none of that.
	peer, pulled, crossRegion, late, duplicate, invalid int64
	up                                                  int64 // Given to peers.

	pieces, latePieces int // That were due, and that were not there then.
	stalls, lost       int // Pictures that stood still, chunks that never came.
	stood              time.Duration

	connected, failed, revealed int
	refused                     int // Hedges beyond the session's bucket.
	unverified                  int // Pushes of what the viewer had not verified: must be 0.

	viewers, supply float64 // Who watched; what they may upload, bit/s.
}

// edge is all that the edge sent.
func (t *tally) edge() int64 { return t.fed + t.backlog + t.hedged + t.audio + t.beacons }

// all is all media: what the edge sent and what peers gave in its place.
func (t *tally) all() int64 { return t.edge() + t.peer }

// shareable is the part of all media that peers may carry: audio and beacons come from the
// edge, whatever uplinks there are.
func (t *tally) shareable() float64 {
	return 1 - float64(t.audio+t.beacons)/max(float64(t.all()), 1)
}

func (t *tally) add(o *tally) {
	t.fed += o.fed
	t.backlog += o.backlog
	t.hedged += o.hedged
	t.audio += o.audio
	t.beacons += o.beacons
	t.peer += o.peer
	t.pulled += o.pulled
	t.crossRegion += o.crossRegion
	t.late += o.late
	t.duplicate += o.duplicate
	t.invalid += o.invalid
	t.up += o.up
	t.pieces += o.pieces
	t.latePieces += o.latePieces
	t.stalls += o.stalls
	t.lost += o.lost
	t.stood += o.stood
	t.connected += o.connected
	t.failed += o.failed
	t.revealed += o.revealed
	t.refused += o.refused
	t.unverified += o.unverified
	t.viewers += o.viewers
	t.supply += o.supply
}

// judge counts a chunk that is due at a viewer, if it plays by the rules.
func (w *world) judge(v *viewer, chunk int, due time.Duration) {
	if v.part != nil {
		return
	}
	ch, t := &w.stream.chunks[chunk], w.tally()
	for i := ch.piece; i < ch.piece+len(ch.sizes); i++ {
		t.pieces++
		if v.came[i] == 0 || v.cameAt(i) > due {
			t.latePieces++
		}
	}
}
