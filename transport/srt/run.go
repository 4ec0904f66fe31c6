package srt

import (
	"context"
	"fmt"
	"time"
)

const (
	// tick is what everything that waits is rounded to. A wake-up costs a machine
	// that has nothing else to do 50 us, ten times what the packets of a tick cost,
	// and one serves all connections. 5 ms of 6 Mbit/s are 3 packets.
	tick = 5 * time.Millisecond
	// hurry is the tick when more came than one read takes: the kernel's buffer
	// may be small.
	hurry = time.Millisecond
	// horizon is how near something must be for Run to go on ticking.
	horizon = 10 * tick
	// maxHandshakes are answered in a tick, at a few microseconds each: whatever
	// callers do, the streams go on. They ask again.
	maxHandshakes = 100
	// atOnce is the pause when there is more to read.
	atOnce = time.Microsecond
)

// Run reads the socket until ctx ends or Close is called, which give nil, or the
// socket breaks. Then it hangs up on every connection.
//
// While there is something to do it works at ticks: it reads what has come, and
// wakes the connections that have something to do. Else it waits for a packet,
// and the connections for timers of their own.
func (l *Listener) Run(ctx context.Context) error {
	defer l.Close()
	defer context.AfterFunc(ctx, l.Close)()
	for {
		pause, err := l.round()
		if err == nil {
			err = l.socket.wait(pause)
		}
		switch {
		case l.hasEnded():
			return nil
		case err != nil:
			return fmt.Errorf("srt socket: %w", err)
		}
	}
}

// round is one tick's work. It gives how long it is until the next; 0 is until a
// packet comes.
func (l *Listener) round() (pause time.Duration, err error) {
	begin := time.Now()
	if begin.Sub(l.counted) >= tick {
		l.counted, l.handshakes = begin, 0
	}
	count, busy, left, err := l.readAll(begin.Add(tick))
	if err != nil {
		return 0, err
	}
	l.ticking.Store(true)
	now := time.Now()
	if near := l.each(func(c *Conn) bool { return c.wakeIfDue(now) }); count == 0 && !near {
		// A connection that goes to sleep from here on sees that it has to wake
		// up by itself; those that did not are told.
		l.ticking.Store(false)
		l.each((*Conn).wakeIfRelying)
		return 0, nil
	}
	switch {
	case left:
		return atOnce, nil
	case busy:
		return hurry, nil
	}
	return tick - now.Sub(l.start)%tick, nil
}

// readAll reads what is there. busy tells that it was more than one read takes,
// left that there may be more: whoever sends faster than we read would keep us from
// the connections.
func (l *Listener) readAll(until time.Time) (count int, busy, left bool, err error) {
	for {
		n, full, err := l.socket.read()
		if err != nil {
			return count, busy, false, err
		}
		count += n
		for i := range n {
			if d, ok := l.socket.at(i); ok {
				l.packet(d)
			}
		}
		if !full {
			return count, busy, false, nil
		}
		busy = true
		if !time.Now().Before(until) {
			return count, busy, true, nil
		}
	}
}

// each does f for every connection, without l.mu, and tells whether one of them was
// true.
func (l *Listener) each(f func(*Conn) bool) (some bool) {
	l.mu.RLock()
	for _, c := range l.conns {
		l.current = append(l.current, c)
	}
	l.mu.RUnlock()
	for _, c := range l.current {
		some = f(c) || some
	}
	clear(l.current)
	l.current = l.current[:0]
	return some
}
