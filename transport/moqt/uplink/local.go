package uplink

import (
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/routes"
)

// local is what is published here, and what was and has ended for good: children are
// told so for the grace that a lost way would have. It is used by one goroutine.
type local struct {
	live  map[string]published
	ended map[string]ended
}

type published struct {
	b     *relay.Broadcast
	route routes.Route
}

type ended struct {
	route routes.Route
	until time.Time
}

// update takes what is published now and gives what has ended for good.
func (l *local) update(live map[string]published, cfg Config) []routes.Route {
	if l.ended == nil {
		l.ended = make(map[string]ended)
	}
	now := time.Now()
	for name, p := range l.live {
		if err := p.b.Err(); err != nil && live[name].b != p.b && cfg.Final != nil && cfg.Final(err) {
			p.route.Ended = true
			l.ended[name] = ended{p.route, now.Add(cfg.Grace)}
		}
	}
	l.live = live
	var out []routes.Route
	for name, e := range l.ended {
		if _, again := live[name]; again || !now.Before(e.until) {
			delete(l.ended, name)
			continue
		}
		out = append(out, e.route)
	}
	return out
}

// forget tells when the next end need not be told any more; never for nil.
func (l *local) forget() <-chan time.Time {
	var first time.Time
	for _, e := range l.ended {
		if first.IsZero() || e.until.Before(first) {
			first = e.until
		}
	}
	if first.IsZero() {
		return nil
	}
	return time.After(time.Until(first))
}
