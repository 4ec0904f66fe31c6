package receive_test

import (
	"container/heap"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"pgregory.net/rapid"

	"github.com/freshet-live/freshet/transport/srt/receive"
)

// path is one direction of a network.
type path struct {
	delay, jitter   time.Duration // Jitter reorders.
	loss, duplicate float64
}

// link joins a modelled sender to a receiver, in virtual time.
type link struct {
	t    rapid.TB
	rng  *rand.Rand
	now  time.Duration
	todo events

	forward, back path

	// The sender.
	clock     float64 // Its seconds in one of ours.
	initial   uint32
	peerStart uint32
	interval  time.Duration
	guard     bool          // Does not repeat a packet again within a round trip.
	keep      time.Duration // How long the sender repeats.
	sent      []packet
	until     int // How many packets it sends.

	// What is done to single packets, by index and number of the attempt.
	lose func(index, attempt int) bool

	receiver  *receive.Receiver
	woken     time.Duration
	delivered []delivery
	naks      []nak
	acks      []time.Duration
}

type packet struct {
	at        time.Duration
	timestamp uint32
	attempts  int
	repeated  time.Duration
	arrived   bool
	arrival   time.Duration
}

type delivery struct {
	index int
	at    time.Duration
}

type nak struct {
	at     time.Duration
	ranges []receive.Range
}

const (
	epochSeconds = 1_700_000_000
	sequenceMask = 1<<31 - 1
)

func epoch() time.Time { return time.Unix(epochSeconds, 0) }

func newLink(t rapid.TB, latency time.Duration, change ...func(*link)) *link {
	t.Helper()
	l := &link{
		t: t, rng: rand.New(rand.NewPCG(1, 2)), clock: 1, interval: 2 * time.Millisecond, keep: time.Second,
		forward: path{delay: 10 * time.Millisecond}, back: path{delay: 10 * time.Millisecond}, woken: -1,
	}
	for _, f := range change {
		f(l)
	}
	// The handshake left the sender at 0 of our clock.
	l.receiver = receive.New(receive.Config{
		Latency: latency, Start: epoch().Add(l.forward.delay), PeerStart: l.peerStart, Initial: l.initial,
	})
	return l
}

// timestamp is what the sender's clock shows now.
func (l *link) timestamp() uint32 {
	return l.peerStart + uint32(int64(float64(l.now.Microseconds())*l.clock))
}

func (l *link) after(d time.Duration, do func()) {
	heap.Push(&l.todo, event{l.now + d, l.todo.count(), do})
}

// carry brings something over a path, perhaps twice or not at all.
func (l *link) carry(p path, do func()) {
	for range 1 + l.chance(p.duplicate) {
		if l.chance(p.loss) == 0 {
			d := p.delay
			if p.jitter > 0 {
				d += time.Duration(l.rng.Int64N(int64(p.jitter)))
			}
			l.after(d, func() { do(); l.serve() })
		}
	}
}

func (l *link) chance(p float64) int {
	if p > 0 && l.rng.Float64() < p {
		return 1
	}
	return 0
}

// run sends for so long and lets everything end.
func (l *link) run(d time.Duration) {
	l.until = int(d / l.interval)
	l.after(0, l.submit)
	l.wait(l.now + d + 10*time.Second)
}

// wait goes on until the time is t.
func (l *link) wait(t time.Duration) {
	for len(l.todo.all) > 0 && l.todo.all[0].at <= t {
		e, _ := heap.Pop(&l.todo).(event)
		l.now = e.at
		e.do()
	}
	l.now = t
}

func (l *link) submit() {
	if len(l.sent) >= l.until {
		return
	}
	l.sent = append(l.sent, packet{at: l.now, timestamp: l.timestamp()})
	l.transmit(len(l.sent) - 1)
	l.after(time.Duration(float64(l.interval)/l.clock), l.submit)
}

func (l *link) transmit(index int) {
	p := &l.sent[index]
	attempt := p.attempts
	p.attempts++
	p.repeated = l.now
	if l.lose != nil && l.lose(index, attempt) {
		return
	}
	l.carry(l.forward, func() {
		if !p.arrived {
			l.sent[index].arrived, l.sent[index].arrival = true, l.now
		}
		payload := make([]byte, 1316)
		binary.BigEndian.PutUint32(payload, uint32(index))
		l.receiver.Data(l.time(), l.sequence(index), p.timestamp, attempt > 0, payload)
		clear(payload) // It was copied.
	})
}

func (l *link) sequence(index int) uint32 { return (l.initial + uint32(index)) & sequenceMask }

func (l *link) index(seq uint32) int {
	return len(l.sent) + int(int32((seq-l.sequence(len(l.sent)))<<1)>>1)
}

func (l *link) time() time.Time { return epoch().Add(l.now) }

// serve is what a connection does: work, take what is due, set the timer.
func (l *link) serve() {
	l.receiver.Work(l.time(), l)
	for {
		payload, ok := l.receiver.Pop(l.time())
		if !ok {
			break
		}
		l.delivered = append(l.delivered, delivery{int(binary.BigEndian.Uint32(payload)), l.now})
	}
	next := l.receiver.Next(l.time())
	if next.IsZero() {
		return
	}
	at := max(next.Sub(epoch()), l.now+time.Microsecond)
	if l.woken > l.now && l.woken <= at {
		return
	}
	l.woken = at
	l.after(at-l.now, l.serve)
}

// The rest makes link an Output: the way back to the sender.

func (l *link) ACK(number, next uint32, _ receive.ACKInfo) {
	l.acks = append(l.acks, l.now)
	l.carry(l.back, func() {
		timestamp := l.timestamp()
		l.carry(l.forward, func() { l.receiver.ACKACK(l.time(), number, timestamp) })
	})
}

func (l *link) LightACK(uint32) {}

func (l *link) NAK(ranges []receive.Range) {
	ranges = append([]receive.Range(nil), ranges...)
	l.naks = append(l.naks, nak{l.now, ranges})
	l.carry(l.back, func() {
		for _, r := range ranges {
			for i := l.index(r.First); i <= l.index(r.Last); i++ {
				l.repeat(i)
			}
		}
	})
}

func (l *link) repeat(index int) {
	if index < 0 || index >= len(l.sent) {
		l.t.Fatalf("NAK for %d, which was not sent", index)
	}
	p := &l.sent[index]
	if l.now-p.at > l.keep || l.guard && p.attempts > 1 && l.now-p.repeated < l.forward.delay+l.back.delay {
		return
	}
	l.transmit(index)
}

// asked counts the packets named by NAKs.
func (l *link) asked() int {
	n := 0
	for _, k := range l.naks {
		for _, r := range k.ranges {
			n += int(r.Last-r.First) + 1
		}
	}
	return n
}

// inOrder fails the test if something was delivered twice or out of order, and
// gives the delivery of each index.
func (l *link) inOrder() map[int]time.Duration {
	l.t.Helper()
	last, at := -1, map[int]time.Duration{}
	for _, d := range l.delivered {
		if d.index <= last {
			l.t.Fatalf("%d delivered after %d", d.index, last)
		}
		last, at[d.index] = d.index, d.at
	}
	return at
}

// complete fails the test if anything is missing.
func (l *link) complete() {
	l.t.Helper()
	if at := l.inOrder(); len(at) != len(l.sent) {
		l.t.Errorf("%d of %d packets delivered: %+v", len(at), len(l.sent), l.receiver.Stats())
	}
}

type event struct {
	at     time.Duration
	number int
	do     func()
}

// events are a heap, first by time and then by their making.
type events struct {
	all  []event
	made int
}

func (e *events) count() int    { e.made++; return e.made }
func (e *events) Len() int      { return len(e.all) }
func (e *events) Swap(i, j int) { e.all[i], e.all[j] = e.all[j], e.all[i] }
func (e *events) Less(i, j int) bool {
	a, b := e.all[i], e.all[j]
	return a.at < b.at || a.at == b.at && a.number < b.number
}
func (e *events) Push(x any) { v, _ := x.(event); e.all = append(e.all, v) }
func (e *events) Pop() any {
	last := e.all[len(e.all)-1]
	e.all = e.all[:len(e.all)-1]
	return last
}
