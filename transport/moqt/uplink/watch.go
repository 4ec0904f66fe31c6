package uplink

import (
	"context"
	"time"
)

const (
	// glance is how often a session is looked at.
	glance = 100 * time.Millisecond
	// silence is how long nothing may come from a parent, which answers a PING each
	// 200 ms at least (quicconn.UplinkConfig), before others take over. It goes by
	// with a stall of the network, too; then all comes back.
	silence = 500 * time.Millisecond
)

// watch looks out for silence, until ctx ends.
func (l *link) watch(ctx context.Context, s *session) {
	counter, ok := s.conn.(interface{ PacketsReceived() uint64 })
	if !ok {
		return
	}
	measured := time.Now()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	last, heard := counter.PacketsReceived(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if n := counter.PacketsReceived(); n != last {
			last, heard = n, time.Now()
		}
		if time.Since(measured) >= measureEvery && !s.doubtful() {
			measured = time.Now()
			if l.measure(s) {
				l.m.reprice(l)
			}
		}
		if silent := time.Since(heard) > silence; silent != s.silent.Load() {
			s.silent.Store(silent)
			if silent {
				l.m.metrics.silences.Inc()
				l.m.log.Warn("parent is silent", "parent", l.url)
			} else {
				l.m.log.Info("parent is back", "parent", l.url)
			}
			l.reconsider(s)
		}
	}
}

const (
	// costUnit is more than every distance: what SetParents says counts first.
	costUnit = 1 << 8
	// measureEvery is how often the distance of a parent is looked at.
	measureEvery = time.Second
)

// measure looks how far the parent is; it tells whether that has changed.
func (l *link) measure(s *session) bool {
	rtt := s.rtt()
	if rtt > 0 {
		l.m.metrics.rtt.Observe(rtt.Seconds())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.distance.Observe(rtt)
}

// price is the parent's cost, then its distance.
func (l *link) price() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	class, _ := l.distance.Class()
	return int(l.cost.Load())*costUnit + class
}
