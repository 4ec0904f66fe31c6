package packager

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

// notary has the keys that sign a broadcast's beacons. Without a stream key it signs
// nothing.
type notary struct {
	// Set by newNotary, then read-only.
	p         *Packager
	authority *beacon.Authority // nil without a stream key.
}

func newNotary(p *Packager) notary {
	n := notary{p: p}
	if p.cfg.StreamKey != nil {
		n.authority = beacon.NewAuthority(p.cfg.StreamKey, string(p.cfg.Namespace))
	}
	return n
}

// advance sees to the key of the moment. A new one is in the catalog before it signs.
func (n *notary) advance() error {
	if n.authority == nil {
		return nil
	}
	// The group that is open, or the one before the first.
	changed, err := n.authority.Advance(n.p.cfg.Now(), n.p.groups.next-1)
	if err != nil || !changed {
		return err
	}
	return n.p.catalog.update()
}

// keys are for the catalog; nil without.
func (n *notary) keys() *beacon.Keys {
	if n.authority == nil {
		return nil
	}
	return n.authority.Keys()
}

// open makes the track of beacons beside a video track; nil without a stream key.
func (n *notary) open(video *relay.Track) (*beacons, error) {
	if n.authority == nil {
		return nil, nil
	}
	track, err := n.p.broadcast.NewTrack(video.Name()+beacon.Suffix,
		relay.TrackConfig{Window: n.p.cfg.Window, Priority: priorityBeacons})
	if err != nil {
		return nil, err
	}
	return &beacons{
		n: n, track: track, signer: beacon.NewSigner(string(n.p.cfg.Namespace), video.Name()),
		signed: n.p.metrics.beacons.WithLabelValues(beaconSigned),
		none:   n.p.metrics.beacons.WithLabelValues(beaconNone),
	}, nil
}

// beacons is the track that says what the chunks of another are made of. A nil one
// does nothing.
type beacons struct {
	// Set by notary.open, then read-only.
	n      *notary
	track  *relay.Track
	signer *beacon.Signer
	signed prometheus.Counter
	none   prometheus.Counter

	group  *relay.Group // nil when the group has none.
	id     uint64       // Of the group that chunks come in.
	begun  bool
	next   uint32        // Of the next chunk's first piece.
	beacon beacon.Beacon // Scratch.
}

// sign publishes the beacon of the chunk that was published last, in group. It runs
// where the chunk was packaged: it takes less time than to tell another goroutine of
// it, is in order, and is there before the next.
func (b *beacons) sign(group *relay.Group, payload []byte, pts time.Duration) error {
	if b == nil {
		return nil
	}
	began := b.n.p.cfg.Now()
	at := relay.Location{Group: group.ID(), Object: group.Next() - 1}
	first := !b.begun || at.Group != b.id
	if first {
		b.begun, b.id, b.group, b.next = true, at.Group, nil, 0
	} else if b.group == nil {
		return nil // Pieces have no numbers any more.
	}
	raw, err := b.describe(at, payload, pts, began)
	if err != nil {
		b.group = nil
		b.none.Inc()
		b.n.p.log.Warn("rest of a group without beacons", "track", b.track.Name(), "group", at.Group, "error", err)
		return nil
	}
	if err := b.append(first, relay.Object{Payload: raw, Complete: b.n.p.cfg.Now()}); err != nil {
		return fmt.Errorf("publish beacon: %w", err)
	}
	b.signed.Inc()
	b.n.p.metrics.delay.Observe(b.n.p.cfg.Now().Sub(began).Seconds())
	return nil
}

// describe makes and signs the beacon of a chunk.
func (b *beacons) describe(at relay.Location, payload []byte, pts time.Duration, now time.Time) ([]byte, error) {
	b.beacon = beacon.Beacon{
		Group: at.Group, Chunk: at.Object, First: b.next, PTS: pts, Time: now.UnixMilli(), Hashes: b.beacon.Hashes,
	}
	if err := b.beacon.Describe(payload); err != nil {
		return nil, err
	}
	b.signer.Use(b.n.authority.Session())
	raw, err := b.signer.Sign(&b.beacon)
	if err != nil {
		return nil, err
	}
	b.next = b.beacon.End()
	return raw, nil
}

// append publishes a beacon; the first of a group starts it. Every chunk before it
// has one, so that its object ID is the chunk's.
func (b *beacons) append(first bool, o relay.Object) (err error) {
	if !first {
		return b.group.Append(o)
	}
	b.group, err = b.track.StartGroup(b.id, o)
	return err
}

// name is the track's name; empty when there is none.
func (b *beacons) name() string {
	if b == nil {
		return ""
	}
	return b.track.Name()
}

func (b *beacons) close() {
	if b != nil {
		b.track.Close(nil)
	}
}
