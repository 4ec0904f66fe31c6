package swarm

import (
	"context"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// measureEgress measures what the edge sends, until ctx ends.
func (e *Edge) measureEgress(ctx context.Context) {
	ticker := time.NewTicker(loadEvery)
	defer ticker.Stop()
	last, sent := time.Now(), e.cfg.Sent()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		now, total := time.Now(), e.cfg.Sent()
		e.egress.Store(int64(float64(total-sent) * 8 / now.Sub(last).Seconds()))
		last, sent = now, total
		e.judgeAdmission()
	}
}

const (
	// bitrateOver is over how much of a track its bitrate is measured.
	bitrateOver = 5 * time.Second
	// bitrateFrom is the least: less says nothing, since groups begin with much.
	bitrateFrom = time.Second
)

// bitrateMeter measures a track's bitrate by what came of its newest groups. A relay
// that joined gets what is past at once: the groups that it found are not counted.
type bitrateMeter struct {
	first uint64 // The first group that is counted.
	begun bool
	rate  int64
}

// measure gives bit/s; zero while it is not known.
func (b *bitrateMeter) measure(t *relay.Track) int64 {
	groups := t.Groups()
	if len(groups) == 0 {
		return 0
	}
	if !b.begun {
		b.begun, b.first = true, groups[len(groups)-1].ID()+1
	}
	now := time.Now()
	bytes, since := 0, time.Duration(0)
	for i := len(groups) - 1; i >= 0 && groups[i].ID() >= b.first && since < bitrateOver; i-- {
		bytes += groupBytes(groups[i])
		since = now.Sub(groups[i].Created())
	}
	if since >= bitrateFrom {
		b.rate = int64(float64(bytes) * 8 / since.Seconds())
	}
	return b.rate
}

func groupBytes(g *relay.Group) (n int) {
	for i := range g.Len() {
		o, _ := g.Progress(i)
		n += len(o.Payload)
	}
	return n
}
