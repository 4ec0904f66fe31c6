package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
)

// viewer watches one track at an edge, for ever, and checks what it gets.
type viewer struct {
	w      *world
	ip     string
	name   relay.Namespace
	draft  string
	pause  time.Duration // After each object: a slow one.
	stays  bool          // It does not heed a GOAWAY.
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	at      string            // Guarded by mu; written by run. The edge.
	epoch   uint64            // Guarded by mu. The newest that was seen.
	groups  map[uint64]uint64 // Guarded by mu. The next object of each group of the epoch.
	first   uint64            // Guarded by mu. What went before this group is not wanted.
	newest  uint64            // Guarded by mu.
	joins   bool              // Guarded by mu. The next object is the first of its session.
	resets  map[uint64]bool   // Guarded by mu. Groups whose stream was reset, and not another's ended.
	objects int               // Guarded by mu.
	last    time.Time         // Guarded by mu. When the last object came.
	longest time.Duration     // Guarded by mu. Without an object.
	ends    int               // Guarded by mu. Sessions and subscriptions that ended.
	moves   int               // Guarded by mu. To where a GOAWAY said.
	gaps    []string          // Guarded by mu.
	wrong   []string          // Guarded by mu. What must never be.
}

// view starts a viewer at an edge.
func (m *machine) view(name relay.Namespace, change ...func(*viewer)) *viewer {
	v := &viewer{w: m.w, at: m.id, ip: m.w.address(), name: name, groups: make(map[uint64]uint64), resets: make(map[uint64]bool), done: make(chan struct{})}
	for _, c := range change {
		c(v)
	}
	var ctx context.Context
	ctx, v.cancel = context.WithCancel(context.Background())
	m.w.viewers = append(m.w.viewers, v)
	go v.run(ctx)
	return v
}

func slow(pause time.Duration) func(*viewer) { return func(v *viewer) { v.pause = pause } }

func (v *viewer) slow() bool { return v.pause > 0 }

func (v *viewer) leave() {
	v.cancel()
	<-v.done
}

// run watches and comes again when it is thrown out, as a player does.
func (v *viewer) run(ctx context.Context) {
	defer close(v.done)
	continues := false
	for ctx.Err() == nil {
		uri, err := v.watch(ctx, continues)
		if ctx.Err() != nil {
			return
		}
		v.mu.Lock()
		// A slow one has not the whole of what went before: it starts anew.
		continues = uri != "" && !v.slow()
		if uri != "" {
			v.at = uri
			v.moves++
		} else if v.begun() && err != nil {
			v.ends++
		}
		v.mu.Unlock()
		if !continues {
			pause(ctx, 250*time.Millisecond)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// watch is one session. uri says that the edge sent us elsewhere.
func (v *viewer) watch(ctx context.Context, continues bool) (uri string, err error) {
	dialing, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conf := quicconn.UplinkConfig()
	if v.slow() { // What it does not take soon stays with the edge.
		conf.MaxIncomingUniStreams = 3
		conf.InitialStreamReceiveWindow, conf.MaxStreamReceiveWindow = 4<<10, 4<<10
	}
	conn, err := v.w.net.dial(dialing, v.ip, v.w.net.find(v.at), v.draft, conf)
	if err != nil {
		return "", err
	}
	goaway := make(chan string, 1)
	c, err := moqt.NewClient(ctx, conn, moqt.ClientConfig{OnGoaway: func(uri string, _ time.Duration) {
		if !v.stays {
			goaway <- uri
		}
	}})
	if err != nil {
		return "", err
	}
	defer c.Close()
	filter := &wire.Filter{Type: wire.NextGroupStart}
	if continues {
		filter = &wire.Filter{Type: wire.AbsoluteStart, Start: v.next()}
	} else {
		v.begin()
	}
	sub, err := c.Subscribe(dialing, v.name, "video", moqt.SubscribeOptions{Filter: filter})
	if err != nil {
		return "", err
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- v.read(reading, sub) }()
	select {
	case uri = <-goaway:
		stop()
		<-ended
		return uri, nil
	case err = <-ended:
		return "", err
	}
}

func (v *viewer) read(ctx context.Context, sub *moqt.Subscription) error {
	for {
		o, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		v.take(o)
		if v.slow() {
			pause(ctx, v.pause)
		}
	}
}

// begin forgets what was not seen: who comes anew starts at the live edge.
func (v *viewer) begin() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle()
	v.first, v.joins = v.newest+1, true
}

// next is what a viewer that moves asks for.
func (v *viewer) next() relay.Location {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, g := range slices.Sorted(maps.Keys(v.groups)) {
		if n := v.groups[g]; g >= v.first && n < perGroup {
			return relay.Location{Group: g, Object: n}
		}
	}
	return relay.Location{Group: v.newest + 1}
}

// take checks an object against all that came before.
func (v *viewer) take(o moqt.Object) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if o.End {
		v.resets[o.Location.Group] = o.Reset != nil
		if o.Reset == nil && v.groups[o.Location.Group] < perGroup && o.Location.Group < v.newest && !v.slow() {
			v.gap("group %d ends after %d objects", o.Location.Group, v.groups[o.Location.Group])
		}
		return
	}
	var epoch uint64
	if _, err := fmt.Sscanf(string(o.Payload[:min(len(o.Payload), 64)]), "%d ", &epoch); err != nil || !bytes.Equal(o.Payload, payload(epoch, o.Location)) {
		v.fault("%v has other bytes", o.Location)
	}
	switch {
	case epoch < v.epoch && v.slow():
		return // It was there before, and waited to be read.
	case epoch < v.epoch:
		v.fault("%v of epoch %d after epoch %d", o.Location, epoch, v.epoch)
		return
	case epoch > v.epoch: // Another owner, another timeline.
		v.settle()
		v.epoch, v.first, v.newest = epoch, o.Location.Group, o.Location.Group
		clear(v.groups)
		clear(v.resets)
	}
	v.count()
	v.order(o.Location)
}

// begun tells whether it has ever seen an object.
func (v *viewer) begun() bool { return !v.last.IsZero() }

func (v *viewer) count() {
	now := time.Now()
	if v.begun() {
		v.longest = max(v.longest, now.Sub(v.last))
	}
	v.objects++
	v.last = now
}

// order: every object once and in order within its group (I1), and none left out (I2).
func (v *viewer) order(at relay.Location) {
	want := v.groups[at.Group]
	switch {
	case at.Object < want:
		v.fault("%v came again, or late", at)
	case at.Object > want:
		v.gap("%v, %d expected", at, want)
	}
	if v.joins {
		v.joins, v.first = false, at.Group
	}
	v.groups[at.Group] = max(want, at.Object+1)
	v.newest = max(v.newest, at.Group)
}

// settle looks for groups that were left out, wholly or in part. The newest two may
// still be coming.
func (v *viewer) settle() {
	for ; v.first+1 < v.newest; v.first++ {
		if n := v.groups[v.first]; n < perGroup {
			v.gap("only %d objects of group %d", n, v.first)
		} else if v.resets[v.first] {
			v.gap("group %d was reset after its last object", v.first)
		}
		delete(v.resets, v.first)
		delete(v.groups, v.first-min(v.first, 100))
	}
}

func (v *viewer) gap(format string, args ...any) {
	v.gaps = append(v.gaps, v.say(format, args...))
}

func (v *viewer) fault(format string, args ...any) {
	v.wrong = append(v.wrong, v.say(format, args...))
}

func (v *viewer) say(format string, args ...any) string {
	return fmt.Sprintf("%s %s at %s: %s", time.Now().Format("04:05.000"), v.ip, v.at, fmt.Sprintf(format, args...))
}

// report is what a viewer saw since the last one.
type report struct {
	at                   string
	objects, ends, moves int
	longest              time.Duration
	epoch                uint64
	gaps                 []string
	wrong                []string
}

// since reads and resets.
func (v *viewer) since() report {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.begun() {
		v.longest = max(v.longest, time.Since(v.last))
		v.last = time.Now()
	}
	v.settle()
	r := report{
		at: v.at, objects: v.objects, ends: v.ends, moves: v.moves, longest: v.longest, epoch: v.epoch,
		gaps: slices.Clone(v.gaps), wrong: slices.Clone(v.wrong),
	}
	v.objects, v.ends, v.moves, v.longest, v.gaps, v.wrong = 0, 0, 0, 0, nil, nil
	return r
}

// watched lets time pass and tells what was seen in it.
func (v *viewer) watched(d time.Duration) report {
	v.since()
	time.Sleep(d)
	return v.since()
}

// flawless fails unless the viewer saw an object every beat, and none was late by
// more than the wait.
func (r report) flawless(d, wait time.Duration) error {
	var errs error
	if want := int(d/beat) - int(wait/beat) - 2; r.objects < want {
		errs = fmt.Errorf("%d objects in %v", r.objects, d)
	}
	if r.longest > wait {
		errs = errors.Join(errs, fmt.Errorf("%v without an object", r.longest))
	}
	if r.ends > 0 {
		errs = errors.Join(errs, fmt.Errorf("thrown out %d times", r.ends))
	}
	for _, text := range append(r.gaps, r.wrong...) {
		errs = errors.Join(errs, errors.New(text))
	}
	return errs
}
