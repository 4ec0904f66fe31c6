package impair

import "time"

// Reason is why a packet was dropped.
type Reason uint8

// The reasons. Delivered is none.
const (
	Delivered Reason = iota
	Outage           // It came while the link was down.
	TooBig           // It was larger than the MTU.
	Lost             // By chance.
	QueueFull
	Codel
	reasons
)

var reasonNames = [reasons]string{"", "outage", "mtu", "loss", "queue", "codel"}

func (r Reason) String() string { return reasonNames[r] }

// Fate is what was decided about a packet on its arrival.
type Fate struct {
	Dropped               Reason
	Reordered, Duplicated bool
}

// Departure is a packet that leaves the link, or that CoDel dropped.
type Departure[T any] struct {
	Packet T
	// At is when it leaves or was dropped.
	At      time.Duration
	Dropped Reason
	// Duplicated says that it leaves twice.
	Duplicated bool
	// Number counts arrivals from 0.
	Number uint64
}

// Link is one direction of a path. Times are since any start and may not fall
// from one call to the next. It is not safe for concurrent use.
type Link[T any] struct {
	plan    *Plan
	dice    dice
	channel channel
	codel   codel
	line    line
	queue   fifo[parcel[T]]
	held    int           // Bytes in the queue.
	free    time.Duration // When the bottleneck has sent what it is sending.
	last    time.Duration // The latest departure of those that keep their order.
	flight  flight[T]
	dropped []Departure[T] // By CoDel, since the last Advance.
	cut     bool           // By hand: an outage beside those of the plan.
	stats   Stats
}

// parcel is a packet on its way.
type parcel[T any] struct {
	packet  T
	size    int
	arrived time.Duration
	number  uint64
	roll    roll
	fate    Fate
}

// NewLink makes a link. Stream is the number of the direction among those that
// share a seed.
func NewLink[T any](plan *Plan, seed, stream uint64) *Link[T] {
	return &Link[T]{plan: plan, dice: newDice(seed, stream), line: line{trace: plan.trace, n: -1}}
}

// Send takes a packet of size bytes that arrives now. A dropped one is not kept.
func (l *Link[T]) Send(now time.Duration, size int, packet T) Fate {
	l.serve(now)
	p := parcel[T]{packet: packet, size: size, arrived: now, number: l.stats.In.Packets, roll: l.dice.next()}
	l.stats.In.add(size)
	segment, _ := l.plan.at(now)
	profile := &segment.profile
	// The channel moves on with every packet: what it does depends on no stage
	// before it.
	lost := l.channel.loses(profile.Gilbert, p.roll)
	fate := Fate{Reordered: profile.Reorder.below(p.roll.reorder), Duplicated: profile.Duplicate.below(p.roll.duplicate)}
	switch {
	case profile.Outage || l.cut:
		fate = Fate{Dropped: Outage}
	case profile.MTU > 0 && size > profile.MTU:
		fate = Fate{Dropped: TooBig}
	case lost:
		fate = Fate{Dropped: Lost}
	case l.queue.len() > 0 && l.held+size > l.plan.room(profile):
		fate = Fate{Dropped: QueueFull}
	}
	if fate.Dropped != Delivered {
		l.stats.Dropped[fate.Dropped]++
		return fate
	}
	p.fate = fate
	l.held += size
	l.stats.QueueMax = max(l.stats.QueueMax, l.held)
	l.queue.push(p)
	l.serve(now)
	return fate
}

// Next is when Advance has something to do; never, the largest of times, if the
// link is empty.
func (l *Link[T]) Next() time.Duration {
	next := never
	if l.flight.len() > 0 {
		next = l.flight.first().at
	}
	if l.queue.len() > 0 {
		next = min(next, l.start())
	}
	return next
}

// Advance appends to out what left the link by now, in the order of leaving, with
// what CoDel dropped before.
func (l *Link[T]) Advance(now time.Duration, out []Departure[T]) []Departure[T] {
	l.serve(now)
	out = append(out, l.dropped...)
	clear(l.dropped)
	l.dropped = l.dropped[:0]
	for l.flight.len() > 0 && l.flight.first().at <= now {
		f := l.flight.pop()
		l.stats.Out.add(f.size)
		if f.fate.Duplicated {
			l.stats.Out.add(f.size)
			l.stats.Duplicated++
		}
		if f.fate.Reordered {
			l.stats.Reordered++
		}
		l.stats.Delay.Add(f.at - f.arrived)
		out = append(out, Departure[T]{Packet: f.packet, At: f.at, Duplicated: f.fate.Duplicated, Number: f.number})
	}
	return out
}

// Stats are the totals so far.
func (l *Link[T]) Stats() Stats {
	s := l.stats
	s.Queue = l.held
	return s
}

// start is when the head of the queue may pass the bottleneck.
func (l *Link[T]) start() time.Duration {
	t := max(l.free, l.queue.first().arrived)
	for range stallTries {
		open := l.plan.openFrom(t)
		if open == never {
			return never
		}
		if t = l.line.ready(open); t == open || l.plan.openFrom(t) == t {
			return t
		}
	}
	return never
}

// stallTries bounds the search: a trace may have its opportunities in stalls alone.
const stallTries = 1000

// serve lets pass what may pass by now.
func (l *Link[T]) serve(now time.Duration) {
	for l.queue.len() > 0 {
		start := l.start()
		if start > now {
			return
		}
		segment, _ := l.plan.at(start)
		p := l.take(start, &segment.profile)
		l.free = l.line.send(start, p.size, segment.profile.Rate)
		l.fly(p, l.free, &segment.profile)
	}
}

// take gives the packet that is sent next; CoDel may drop some before it, never
// the last.
func (l *Link[T]) take(now time.Duration, profile *Profile) parcel[T] {
	for {
		p := l.queue.pop()
		l.held -= p.size
		if profile.AQM != CoDel {
			return p
		}
		// Section 4.4: a target below the time of one packet empties the line.
		target := max(codelTarget, profile.Rate.takes(codelPacket))
		if !l.codel.drop(now, l.codel.above(now, now-p.arrived, l.held, target)) {
			return p
		}
		l.stats.Dropped[Codel]++
		l.dropped = append(l.dropped, Departure[T]{Packet: p.packet, At: now, Dropped: Codel, Number: p.number})
	}
}

// fly sends a packet on the way behind the bottleneck.
func (l *Link[T]) fly(p parcel[T], from time.Duration, profile *Profile) {
	at := from + max(profile.Delay+profile.jitter(p.roll.jitter), 0)
	switch {
	case p.fate.Reordered:
		at += profile.ReorderBy
	case profile.Unordered:
		l.last = max(l.last, at)
	default:
		at = max(at, l.last)
		l.last = at
	}
	l.flight.push(airborne[T]{p, at})
}
