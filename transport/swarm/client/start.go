package client

import (
	"context"
	"fmt"
	"time"

	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/catalogs"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// startWithin bounds what Run does before media comes.
const startWithin = 10 * time.Second

// begin reads the catalog, and starts beacons, media and the swarm. Media does not
// wait for the swarm: it is subscribed to until the edge feeds pieces, and comes once
// since the policy asks for what is behind the beacons that it has seen by then.
func (m *machine) begin(ctx context.Context) error {
	catalog, err := catalogs.Follow(ctx, m.client, m.v.cfg.Namespace)
	if err != nil {
		return wrap("catalog", err)
	}
	first, err := catalog.First(ctx)
	if err != nil {
		return wrap("catalog", err)
	}
	if err := m.take(first); err != nil {
		return err
	}
	m.tasks.Go(func() { m.followCatalog(catalog) })
	if err := m.watch(ctx, trackOf(first, m.track).Beacons); err != nil {
		return err
	}
	return m.join(ctx)
}

// take takes the first catalog: which track, and whose beacons count.
func (m *machine) take(c *msf.Catalog) error {
	t := trackOf(c, m.v.cfg.Track)
	if t == nil || c.Swarm == nil {
		return fmt.Errorf("%w: no track with beacons", ErrNoSwarm)
	}
	m.track = t.Name
	m.verifier = beacon.NewVerifier(beacon.Config{
		Namespace: string(m.v.cfg.Namespace), Track: t.Name, StreamKey: m.v.cfg.StreamKey, Delay: m.playout.delay,
	})
	return wrap("keys", m.verifier.SetKeys(c.Swarm))
}

// trackOf is the track with beacons of that name, or the first one.
func trackOf(c *msf.Catalog, name string) *msf.Track {
	for i := range c.Tracks {
		if t := &c.Tracks[i]; t.Beacons != "" && (name == "" || t.Name == name) {
			return t
		}
	}
	return nil
}

// followCatalog takes the keys of newer catalogs.
func (m *machine) followCatalog(catalog *catalogs.Feed) {
	for {
		select {
		case c := <-catalog.Newest():
			if c.Swarm != nil && m.post(func(m *machine) { m.takeKeys(c.Swarm) }) != nil {
				return
			}
		case <-catalog.Done():
			return
		case <-m.life.Done():
			return
		}
	}
}

func (m *machine) takeKeys(k *beacon.Keys) {
	if err := m.verifier.SetKeys(k); err != nil {
		m.v.cfg.Logger.Warn("keys of the catalog", "error", err)
	}
}

// watch subscribes to beacons and media, both from the start of the present group.
func (m *machine) watch(ctx context.Context, beacons string) error {
	status, err := m.client.TrackStatus(ctx, m.v.cfg.Namespace, m.track)
	if err != nil {
		return wrap("status of "+m.track, err)
	}
	var from relay.Location
	if status.Largest != nil {
		from.Group = status.Largest.Group
	}
	m.beacons, m.media = new(subscription), newMedia()
	takeBeacon := func(m *machine, o moqt.Object) { m.edgeBeacon(o.Arrival, o.Payload) }
	if m.beacons.sub, err = m.subscribe(ctx, beacons, from, takeBeacon); err != nil {
		return err
	}
	m.media.sub, err = m.subscribe(ctx, m.track, from, m.media.take)
	return err
}

// subscribe has the objects of a track, from a place on, handed to the owner.
func (m *machine) subscribe(ctx context.Context, track string, from relay.Location, take func(*machine, moqt.Object)) (*moqt.Subscription, error) {
	sub, err := m.client.Subscribe(ctx, m.v.cfg.Namespace, track, moqt.SubscribeOptions{
		Filter: &wire.Filter{Type: wire.AbsoluteStart, Start: from},
		OnObject: func(o moqt.Object) {
			if !o.End && len(o.Payload) > 0 {
				_ = m.post(func(m *machine) { take(m, o) }) // Else the viewer has ended.
			}
		},
	})
	return sub, wrap("subscribe to "+track, err)
}

// watchAlone subscribes to media again, since no pieces come any more.
func (m *machine) watchAlone() {
	if m.media != nil && m.media.sub != nil {
		m.media.until = nil
		return
	}
	from := relay.Location{}
	if c := m.store.head(); c != nil {
		from.Group = c.beacon.Group
	} else if b := m.store.before; b != nil {
		from.Group = b.Group
	}
	s := newMedia()
	m.media = s
	m.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(m.life, startWithin)
		defer cancel()
		sub, err := m.subscribe(ctx, m.track, from, s.take)
		if err != nil {
			m.v.cfg.Logger.Warn("media without a swarm", "error", err)
			return
		}
		_ = m.post(func(*machine) { s.sub = sub }) // Else the viewer has ended, and the session does.
	})
}

// subscription is a track that the edge brings as it brings others. It is owned as
// machine is.
type subscription struct {
	sub *moqt.Subscription
	// until is the first piece that is not wanted of it, once that is known.
	until *swarm.PieceID
	// early are chunks whose beacon has not come.
	early map[chunkKey]early
}

func newMedia() *subscription { return &subscription{early: make(map[chunkKey]early)} }

type early struct {
	at      time.Time
	payload []byte
}

// maxEarly bounds the chunks that wait for their beacon: a group's at the start.
const maxEarly = 256

// take takes a chunk of the subscription.
func (s *subscription) take(m *machine, o moqt.Object) {
	if m.media != s {
		return
	}
	key := chunkKey{o.Location.Group, o.Location.Object}
	c := m.store.byKey[key]
	if c == nil {
		if len(s.early) < maxEarly {
			s.early[key] = early{o.Arrival, o.Payload}
		}
		return
	}
	if s.until != nil && !c.beacon.Piece(0).Less(*s.until) {
		s.close()
		return
	}
	cut(m, c, o.Arrival, o.Payload)
}

// check takes the chunk that a beacon speaks of, if it was there before.
func (s *subscription) check(m *machine, b *beacon.Verified) {
	if s == nil {
		return
	}
	key := chunkKey{b.Group, b.Chunk}
	if e, ok := s.early[key]; ok {
		delete(s.early, key)
		if c := m.store.byKey[key]; c != nil {
			cut(m, c, time.Now(), e.payload)
		}
	}
}

// cut takes the pieces of a chunk, those that are not there.
func cut(m *machine, c *chunk, at time.Time, payload []byte) {
	for i, size := range c.beacon.Sizes {
		if size > len(payload) {
			return
		}
		if c.pieces[i] == nil {
			m.piece(at, source{peer: swarm.Edge, start: true}, c.beacon.Piece(i), payload[:size:size])
		}
		payload = payload[size:]
	}
}

func (s *subscription) close() {
	if s != nil && s.sub != nil {
		_ = s.sub.Close()
		s.sub = nil
	}
}

// fedFrom ends the subscription of media, once the edge feeds pieces from id on: it
// has brought, or will have, what is before.
func (m *machine) fedFrom(id swarm.PieceID) {
	if m.media == nil || m.media.until != nil {
		return
	}
	m.media.until = &id
}
