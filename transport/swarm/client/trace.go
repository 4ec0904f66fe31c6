package client

import (
	"context"
	"log/slog"

	"github.com/freshet-live/freshet/relay/swarm"
)

// frequent are those of which there are tens a second: they say little one by one.
var frequentEvents = map[swarm.EventKind]bool{
	swarm.EventTick: true, swarm.EventPiece: true, swarm.EventBeacon: true, swarm.EventHave: true, swarm.EventQueue: true,
	swarm.EventRTT: true, swarm.EventUplink: true, swarm.EventPlayout: true, swarm.EventCancel: true,
}

var frequentActions = map[swarm.ActionKind]bool{
	swarm.ActionPush: true, swarm.ActionHave: true, swarm.ActionReport: true, swarm.ActionCancel: true,
}

// trace tells of an event, for who looks for why the policy did something.
func (m *machine) traceEvent(e *swarm.Event) {
	log := m.v.cfg.Logger
	if frequentEvents[e.Kind] || !log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	log.LogAttrs(context.Background(), slog.LevelDebug, "event", slog.String("kind", string(e.Kind)),
		slog.Int("peer", int(e.Peer)), slog.Int("sub", e.Sub), slog.Int("child", int(e.Child)),
		slog.Any("ids", e.IDs), slog.String("reason", string(e.Reason)), slog.String("mode", string(e.Mode)),
		slog.Int("count", e.Count), slog.Any("candidates", e.Candidates))
}

func (m *machine) traceAction(a *swarm.Action) {
	log := m.v.cfg.Logger
	if frequentActions[a.Kind] || !log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	log.LogAttrs(context.Background(), slog.LevelDebug, "action", slog.String("kind", string(a.Kind)),
		slog.Int("peer", int(a.Peer)), slog.Int("sub", a.Sub), slog.Int("subs", a.Subs), slog.Any("ids", a.IDs),
		slog.Any("parents", a.Parents), slog.String("reason", string(a.Reason)), slog.String("mode", string(a.Mode)))
}
