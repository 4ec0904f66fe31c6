package srt

import (
	"context"
	"errors"
	"time"
)

const (
	// watchEvery is how often a connection is looked after. A second publisher
	// is refused when the first is seen alive by it, so this is how long it
	// waits for its answer.
	watchEvery = 50 * time.Millisecond
	// silentAfter is when an encoder that sends nothing is worth a line.
	silentAfter = time.Second
	// reportEvery is how often statistics go to the debug log.
	reportEvery = 10 * time.Second
	// maxBuffered is what gosrt may hold back of one connection: it sets no
	// limit of its own, and an encoder whose timestamps lie far in the future
	// would fill the memory. 64 MiB are 10 s at 50 Mbit/s.
	maxBuffered = 64 << 20
)

var errBuffered = errors.New("too much held back: the timestamps run ahead")

// watch looks after a connection until ctx ends: it tells the session that data
// comes, feeds the metrics, and hangs up when the session has ended.
func (c *connection) watch(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	w := watcher{connection: c, heard: time.Now(), reported: time.Now()}
	defer func() { w.look(time.Now()) }() // The last counts.
	for {
		select {
		case now := <-ticker.C:
			w.look(now)
		case <-c.session.Done():
			_ = c.socket.Load().Close() // It returns nil always.
			return
		case <-ctx.Done():
			_ = c.socket.Load().Close()
			return
		}
	}
}

// watcher is the state of watch.
type watcher struct {
	*connection
	last     Stats
	heard    time.Time // When data last came.
	silent   bool
	reported time.Time
}

func (w *watcher) look(now time.Time) {
	s := w.Stats()
	w.listener.metrics.add(w.last, s)
	if s.PktRecv != w.last.PktRecv {
		w.session.Touch()
		w.heard = now
		if w.silent {
			w.silent = false
			w.log.Info("srt encoder sends again")
		}
	} else if !w.silent && now.Sub(w.heard) >= silentAfter {
		w.silent = true
		w.log.Warn("srt encoder is silent")
	}
	w.last = s
	if s.ByteRcvBuf > maxBuffered {
		conn := w.socket.Load()
		w.listener.events.ended(conn.SocketId(), errBuffered)
		_ = conn.Close() // It returns nil always.
	}
	if now.Sub(w.reported) >= reportEvery {
		w.reported = now
		w.log.Debug("srt statistics", "stats", s)
	}
}
