package view

import (
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/freshet-live/freshet/bench/mark"
	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/relay"
)

const (
	// remember is how long a group is compared after its last arrival.
	remember = 30 * time.Second
	// maxGroups and maxObject bound what a server can make the viewers keep of a track.
	maxGroups = 1024
	maxObject = 1 << 16
)

// seed is that of all hashes of this process.
var seed = maphash.MakeSeed()

// item is what a viewer was given: an object of MoQ, a part or a segment of LL-HLS.
type item struct {
	relay.Location // Of LL-HLS: media sequence number and part.
	// payload is lent until the receiver returns.
	payload []byte
	arrived time.Time
	// past means that it was there before it was asked for, so that its delay says
	// nothing of the server.
	past bool
	// media is what a playlist says; of MoQ the chunk does.
	media media
}

// media is where an item stands in time.
type media struct {
	start, end time.Duration // On the timeline of the track.
	captured   time.Time     // Zero when nothing says so.
}

// truth is what all viewers together know of one track: which bytes an object has, who
// had it first, and how far groups go.
type truth struct {
	name string // Set by newTruth, then read-only.

	mu        sync.Mutex
	timescale uint32                    // Guarded by mu. Ticks a second; 0 while not known.
	groups    map[uint64]*known         // Guarded by mu.
	swept     time.Time                 // Guarded by mu.
	clock     clock                     // Guarded by mu. The newest.
	latency   [classes]report.Histogram // Guarded by mu.
	spread    [classes]report.Histogram // Guarded by mu.
	published [classes]report.Histogram // Guarded by mu. From when a marked item was sent to its last byte.
	retired   judgement                 // Guarded by mu. Of groups that are not kept any more.
}

// clock maps media time to the wall clock, as prft does.
type clock struct {
	known bool
	ticks uint64
	at    time.Time
}

// known is a group.
type known struct {
	touched time.Time
	clock   clock
	objects []witnessed // By Object ID.
}

// witnessed is an object. The zero value was not seen by anybody.
type witnessed struct {
	first time.Time
	votes []vote
	ref   uint64 // The hash at the reference viewer; 0 without.
	media media
	timed bool      // media is known.
	sent  time.Time // The last picture in it, by its mark; zero without.
}

// vote counts viewers who got the same bytes.
type vote struct {
	hash  uint64
	count int
	who   int // The first of them.
}

// judgement sums up votes.
type judgement struct {
	compared, corrupt int64
	examples          []string
}

func newTruth(name string) *truth { return &truth{name: name, groups: make(map[uint64]*known)} }

func (t *truth) setTimescale(ticks uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ticks > 0 {
		t.timescale = ticks
	}
}

// see takes what a viewer was given, and tells where in time it stands. Delays count
// unless the item is past or came to that viewer before.
func (t *truth) see(o item, who *watcher, again bool) media {
	hash := maphash.Bytes(seed, o.payload)
	t.mu.Lock()
	defer t.mu.Unlock()
	if o.Object >= maxObject {
		return o.media
	}
	g := t.groupLocked(o.Group, o.arrived)
	for uint64(len(g.objects)) <= o.Object {
		g.objects = append(g.objects, witnessed{})
	}
	w := &g.objects[o.Object]
	if len(w.votes) == 0 {
		if m, ok := mark.Last(o.payload); ok {
			w.sent = m.Sent
		}
	}
	if w.first.IsZero() || o.arrived.Before(w.first) {
		w.first = o.arrived
	}
	if who.class == reference {
		w.ref = hash
	}
	w.vote(hash, who.index)
	if !w.timed {
		w.media, w.timed = t.mediaLocked(g, o)
	}
	if !again && !o.past {
		t.spread[who.class].AddDuration(o.arrived.Sub(w.first))
		if !w.sent.IsZero() {
			t.published[who.class].AddDuration(o.arrived.Sub(w.sent))
		}
		if !w.media.captured.IsZero() {
			t.latency[who.class].AddDuration(o.arrived.Sub(w.media.captured))
		}
	}
	return w.media
}

func (t *truth) groupLocked(id uint64, now time.Time) *known {
	g := t.groups[id]
	if g == nil {
		if now.Sub(t.swept) > time.Second {
			t.sweepLocked(now)
		}
		g = &known{}
		if len(t.groups) < maxGroups {
			t.groups[id] = g
		}
	}
	g.touched = now
	return g
}

func (t *truth) sweepLocked(now time.Time) {
	t.swept = now
	for id, g := range t.groups {
		if now.Sub(g.touched) > remember {
			t.retired.add(t.name, id, g)
			delete(t.groups, id)
		}
	}
}

// maxVotes bounds the versions of an object that are told apart.
const maxVotes = 4

func (w *witnessed) vote(hash uint64, who int) {
	for i := range w.votes {
		if w.votes[i].hash == hash || i == maxVotes-1 {
			w.votes[i].count++
			return
		}
	}
	w.votes = append(w.votes, vote{hash, 1, who})
}

// mediaLocked reads the boxes of a chunk, unless a playlist told; false while they
// cannot be understood.
func (t *truth) mediaLocked(g *known, o item) (media, bool) {
	if o.media != (media{}) {
		return o.media, true
	}
	info, err := cmaf.ParseChunk(o.payload)
	if err != nil {
		return media{}, false
	}
	if info.HasProducer {
		g.clock = clock{true, info.Producer.MediaTime, cmaf.NTPTime(info.Producer.NTP)}
		t.clock = g.clock
	}
	c := g.clock
	if !c.known {
		c = t.clock
	}
	var m media
	if t.timescale > 0 {
		m.start, m.end = ticks(info.DecodeTime, t.timescale), ticks(info.DecodeTime+info.Duration, t.timescale)
		if c.known {
			m.captured = c.at.Add(m.start - ticks(c.ticks, t.timescale))
		}
	} else if info.HasProducer && info.Producer.MediaTime == info.DecodeTime {
		m.captured = c.at
	}
	return m, t.timescale > 0
}

// ticks is a media time as a duration. It wraps after 292 years.
func ticks(n uint64, timescale uint32) time.Duration {
	scale := uint64(timescale)
	return time.Duration(n/scale)*time.Second + time.Duration(n%scale*uint64(time.Second)/scale)
}

// extent is how many objects of a group anybody has seen.
func (t *truth) extent(group uint64) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if g := t.groups[group]; g != nil {
		return len(g.objects)
	}
	return 0
}

// judge sums up what was compared until now.
func (t *truth) judge() judgement {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.retired
	for id, g := range t.groups {
		j.add(t.name, id, g)
	}
	return j
}

// maxExamples is how many corrupt objects are named.
const maxExamples = 5

// add counts the arrivals that could be compared, and those whose bytes are not what
// the reference had or, without one, what most had.
func (j *judgement) add(track string, group uint64, g *known) {
	for id := range g.objects {
		w := &g.objects[id]
		total, right := 0, 0
		for _, v := range w.votes {
			total += v.count
			if w.ref == v.hash || w.ref == 0 && v.count > right {
				right = v.count
			}
		}
		if total < 2 {
			continue
		}
		j.compared += int64(total)
		j.corrupt += int64(total - right)
		if right < total && len(j.examples) < maxExamples {
			j.examples = append(j.examples, fmt.Sprintf("%s: object %d of group %d has other bytes at %d of %d arrivals (viewer %d)",
				track, id, group, total-right, total, w.dissenter()))
		}
	}
}

// dissenter is a viewer who got what few did.
func (w *witnessed) dissenter() int {
	least := w.votes[0]
	for _, v := range w.votes {
		if w.ref != v.hash && (v.count < least.count || w.ref == least.hash) {
			least = v
		}
	}
	return least.who
}
