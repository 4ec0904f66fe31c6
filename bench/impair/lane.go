package impair

import (
	"context"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/bench/alarm"
)

// datagram is a packet in the hands of a lane, which owns its bytes.
type datagram struct {
	data []byte
	of   *client // Nil between TUN devices.
}

// lane is a link in real time.
type lane struct {
	// Set by newLane, then read-only.
	began    time.Time
	overhead int // What IP and UDP add to the bytes of a datagram.
	plan     *Plan
	log      *packetLog // Nil for none.
	name     string
	write    func([]Departure[datagram]) (unsent int)
	alarm    *alarm.Alarm

	mu     sync.Mutex
	link   *Link[datagram] // Guarded by mu.
	until  time.Duration   // Guarded by mu. When run looks again by itself.
	late   Histogram       // Guarded by mu. Written after it was due.
	unsent uint64          // Guarded by mu.
}

func (l *lane) now() time.Duration { return time.Since(l.began) }

// take sends packets into the link.
func (l *lane) take(batch []datagram) {
	fates := make([]Fate, len(batch))
	l.mu.Lock()
	now, first := l.now(), l.link.stats.In.Packets
	for i, d := range batch {
		fates[i] = l.link.Send(now, len(d.data)+l.overhead, d)
	}
	early := l.link.Next() < l.until
	l.mu.Unlock()
	if early {
		l.alarm.Wake()
	}
	if l.log != nil {
		for i, d := range batch {
			l.log.write(l.name, first+uint64(i), len(d.data)+l.overhead, fates[i])
		}
	}
}

// carry runs both lanes and what feeds them, and closes the ends when the context
// ends.
func carry(ctx context.Context, lanes [2]*lane, feed func(context.Context, *errgroup.Group), closeEnds func() error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, l := range lanes {
		group.Go(func() error { return l.run(ctx) })
	}
	feed(ctx, group)
	group.Go(func() error {
		<-ctx.Done()
		for _, l := range lanes {
			l.alarm.Wake()
		}
		return closeEnds()
	})
	err := group.Wait()
	for _, l := range lanes {
		l.alarm.Close()
	}
	return err
}

// idle is how long a lane sleeps that has nothing to do.
const idle = time.Hour

// run writes what is due until the context ends and somebody calls wake, one
// goroutine on a thread of its own. The thread is not given back: its timers are set.
func (l *lane) run(ctx context.Context) error {
	runtime.LockOSThread()
	l.alarm.Sharpen()
	var due []Departure[datagram]
	for ctx.Err() == nil {
		var wait time.Duration
		due, wait = l.due(due[:0])
		if len(due) == 0 {
			l.alarm.Wait(wait)
			continue
		}
		l.sent(due, l.write(due))
		clear(due) // Lets the packets go.
	}
	return nil
}

// due appends what leaves now, and says how long until more does.
func (l *lane) due(out []Departure[datagram]) ([]Departure[datagram], time.Duration) {
	l.mu.Lock()
	now := l.now()
	out = l.link.Advance(now, out)
	l.until = min(l.link.Next(), now+idle)
	wait := l.until - now
	l.mu.Unlock()
	kept := out[:0]
	for _, d := range out {
		if d.Dropped == Delivered {
			kept = append(kept, d)
			continue
		}
		if l.log != nil {
			l.log.write(l.name, d.Number, len(d.Packet.data)+l.overhead, Fate{Dropped: d.Dropped})
		}
	}
	return kept, max(wait, 0)
}

func (l *lane) sent(due []Departure[datagram], unsent int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for _, d := range due {
		l.late.Add(now - d.At)
	}
	l.unsent += uint64(unsent)
}

// reading adds what the lane knows to a reading.
func (l *lane) reading(r Reading) Reading {
	_, r.Note = l.plan.InForce(l.now())
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Elapsed = l.now()
	r.Stats, r.Late, r.Unsent = l.link.Stats(), l.late, l.unsent
	return r
}

// slab holds the bytes of many datagrams in few allocations. The collector frees a
// piece when the last of its datagrams has left.
type slab struct{ free []byte }

// keep copies b; the copy is the caller's.
func (s *slab) keep(b []byte) []byte {
	if len(b) > len(s.free) {
		s.free = make([]byte, max(64<<10, len(b)))
	}
	out := s.free[:len(b):len(b)]
	s.free = s.free[len(b):]
	copy(out, b)
	return out
}
