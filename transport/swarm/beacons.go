package swarm

import (
	"bytes"
	"context"
	"crypto/sha256"

	"github.com/freshet-live/freshet/relay"
	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

// beacons are the beacons of a room's track, as they came from upstream: what they say
// is taken for true, since the video comes the same way.
type beacons struct{ demand *relay.Demand }

// newBeacons asks for the track of beacons; one that does not come is done without.
// release must follow.
func newBeacons(video *relay.Track) beacons {
	return beacons{video.Broadcast().Demand(video.Name() + beacon.Suffix)}
}

func (b beacons) release() { b.demand.Release() }

// raw gives the beacon of a chunk as it came.
func (b beacons) raw(at relay.Location) ([]byte, bool) {
	select {
	case <-b.demand.Settled():
	default:
		return nil, false
	}
	t, err := b.demand.Track(context.Background()) // It answers at once.
	if err != nil {
		return nil, false
	}
	g, ok := t.Group(at.Group)
	if !ok {
		return nil, false
	}
	o, ok := g.Get(at.Object)
	return o.Payload, ok && o.Whole()
}

// first gives the number of a chunk's first piece.
func (b beacons) first(at relay.Location) (uint32, bool) {
	raw, ok := b.raw(at)
	if !ok {
		return 0, false
	}
	var parsed beacon.Beacon
	if parsed.Decode(raw) != nil || parsed.Group != at.Group || parsed.Chunk != at.Object {
		return 0, false
	}
	return parsed.First, true
}

// proves tells whether what the accuser shows is false: a beacon by itself, that of this
// chunk and not the packager's, or a piece that is not what the packager's beacon signs.
// Who sent it neither proves.
func (b beacons) proves(at relay.Location, id policy.PieceID, raw, piece []byte) bool {
	genuine, ok := b.raw(at)
	if !ok {
		return false
	}
	var parsed beacon.Beacon
	if parsed.Decode(raw) != nil || parsed.Group != at.Group || parsed.Chunk != at.Object {
		return false
	}
	same := bytes.Equal(genuine, raw)
	if len(piece) == 0 {
		return !same
	}
	if !same || id.Group != parsed.Group || id.N < parsed.First || id.N >= parsed.End() {
		return false
	}
	return parsed.Hashes[id.N-parsed.First] != beacon.Hash(sha256.Sum256(piece))
}
