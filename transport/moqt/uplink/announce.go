package uplink

import (
	"context"
	"fmt"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/routes"
)

// begin publishes the track of announcements: before a child can ask for it, which
// would otherwise take this node for a relay of another kind.
func (m *Manager) begin() (err error) {
	if m.own, err = m.cfg.Relay.Publish(Namespace); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	m.track, err = m.own.NewTrack(Track, relay.TrackConfig{})
	return err
}

// announce says what this node can serve, whole, at each change.
func (m *Manager) announce(ctx context.Context) error {
	defer m.own.Close(nil)
	id := uint64(time.Now().UnixMilli())
	said := ""
	for ctx.Err() == nil {
		broadcasts, local := m.cfg.Relay.Broadcasts("")
		m.open()
		list, parents := m.served(broadcasts)
		forget := m.local.forget()
		text, err := routes.Encode(list)
		if err != nil {
			return err
		}
		if string(text) != said {
			if err := say(m.track, id, text); err != nil {
				return err
			}
			said = string(text)
			id++
		}
		select {
		case <-local:
		case <-parents:
		case <-forget:
		case <-ctx.Done():
			return nil
		}
		sleep(ctx, coalesce)
	}
	return nil
}

func say(track *relay.Track, id uint64, text []byte) error {
	g, err := track.NewGroup(id)
	if err != nil {
		return err
	}
	defer g.Close()
	return g.Append(relay.Object{Payload: text, Complete: time.Now()})
}

// served lists what this node can serve, and gives what tells of changes at the
// parents.
func (m *Manager) served(broadcasts []*relay.Broadcast) ([]routes.Route, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]routes.Route, 0, len(broadcasts))
	own := make(map[string]published)
	for _, b := range broadcasts {
		ns := b.Namespace()
		if in := m.incoming[ns]; in != nil && in.b == b {
			// One that waits for a parent is nothing to offer.
			if c, ok := m.choices[string(ns)]; ok {
				list = append(list, m.table.Onward(c))
			}
			continue
		}
		r := routes.Route{Name: string(ns), Hops: []string{m.cfg.Self}}
		if m.cfg.Epoch != nil {
			r.Epoch = m.cfg.Epoch(ns)
		}
		list = append(list, r)
		own[r.Name] = published{b, r}
	}
	ended := m.local.update(own, m.cfg)
	for ns, r := range m.table.Ended() {
		if _, again := m.choices[ns]; !again {
			ended = append(ended, m.table.Passed(r))
		}
	}
	for _, r := range ended {
		if _, again := own[r.Name]; !again && len(list) < routes.MaxRoutes {
			list = append(list, r)
		}
	}
	return list, m.changed
}
