package quic

import (
	"context"
	"net"
	"time"
)

// watchEvery is how often a connection is looked after, and reports are sent.
const watchEvery = time.Second

// watch feeds the metrics, sends reports, and notices that a publisher has moved
// or sends nothing.
func (c *connection) watch(ctx context.Context) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	w := watcher{connection: c, addr: c.conn.RemoteAddr(), at: time.Now()}
	defer func() { w.look(time.Now()) }() // The last counts.
	for {
		select {
		case now := <-ticker.C:
			w.look(now)
			r := report{batches: w.last.Batches, lost: w.last.BatchesLost, held: w.last.BatchesHeld}
			if _, err := c.control.Write(r.message().encode()); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// watcher is the state of watch.
type watcher struct {
	*connection
	last   Stats
	addr   net.Addr
	at     time.Time
	silent bool
}

func (w *watcher) look(now time.Time) {
	s := w.Stats()
	if passed := now.Sub(w.at).Seconds(); passed > 0 {
		rate := float64(s.ByteRecv-w.last.ByteRecv) * 8 / passed
		w.counts.rate.Store(uint64(rate))
	}
	if addr := w.conn.RemoteAddr(); addr.String() != w.addr.String() {
		w.log.Info("quic publisher has moved", "from", w.addr.String(), "to", addr.String())
		w.addr = addr
		w.counts.moves.Add(1)
		w.door.metrics.moves.Inc()
	}
	idle := s.TS.Packets == w.last.TS.Packets
	switch {
	case idle && !w.silent:
		w.log.Warn("quic publisher is silent")
	case !idle && w.silent:
		w.log.Info("quic publisher sends again")
	}
	w.silent = idle
	w.door.metrics.add(w.last, s)
	w.last, w.at = s, now
}
