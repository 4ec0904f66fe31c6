package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// Follower is a viewer of one track over WebTransport who does as GOAWAY says: it
// connects to the next gateway, goes on there behind the last object, and leaves the
// first one. It checks that every object comes once.
type Follower struct {
	ns    relay.Namespace
	track string

	mu      sync.Mutex
	session int                   // Guarded by mu. The one whose objects count.
	groups  map[uint64]*groupSeen // Guarded by mu.
	newest  relay.Location        // Guarded by mu.
	last    time.Time             // Guarded by mu. The last arrival.
	pause   time.Duration         // Guarded by mu. The longest since Mark.
	objects int                   // Guarded by mu.
	moves   int                   // Guarded by mu.
	ends    []error               // Guarded by mu. Sessions that ended without a GOAWAY.
}

type groupSeen struct {
	objects int
	most    uint64 // The largest Object ID.
	ended   bool   // By FIN.
}

// Follow watches a track at url until ctx ends.
func Follow(ctx context.Context, url string, ns relay.Namespace, track string) *Follower {
	f := &Follower{ns: ns, track: track, groups: make(map[uint64]*groupSeen), last: time.Now()}
	go f.run(ctx, url) // It ends with ctx.
	return f
}

func (f *Follower) run(ctx context.Context, url string) {
	var before *moqt.Client
	for ctx.Err() == nil {
		goaway := make(chan string, 1)
		client, err := f.connect(ctx, url, goaway)
		if err != nil {
			f.note(fmt.Errorf("%s: %w", url, err))
			pause(ctx, 100*time.Millisecond)
			continue
		}
		if before != nil {
			_ = before.Close()
			before = nil
		}
		select {
		case next := <-goaway:
			f.mu.Lock()
			f.moves++
			f.mu.Unlock()
			if next != "" {
				url = next
			}
			before = client
			continue
		case <-client.Done():
			if ctx.Err() == nil {
				f.note(fmt.Errorf("session at %s ended: %w", url, client.Err()))
			}
		case <-ctx.Done():
		}
		_ = client.Close()
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (f *Follower) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ends = append(f.ends, err)
}

// connect opens a session and subscribes behind the last object.
func (f *Follower) connect(ctx context.Context, url string, goaway chan<- string) (*moqt.Client, error) {
	conn, err := wtconn.Dial(ctx, url, anyCertificate, wire.Protocols(), nil, nil)
	if err != nil {
		return nil, err
	}
	client, err := moqt.NewClient(ctx, conn, moqt.ClientConfig{OnGoaway: func(uri string, _ time.Duration) { goaway <- uri }})
	if err != nil {
		return nil, err
	}
	if err := f.subscribe(ctx, client); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return client, nil
}

// subscribe joins like a player: at the newest object, and what lies between it and
// the last one seen is fetched.
func (f *Follower) subscribe(ctx context.Context, client *moqt.Client) error {
	f.mu.Lock()
	f.session++ // What still comes over the one before is not counted.
	session, resume, from := f.session, f.objects > 0, f.newest
	f.mu.Unlock()
	filter := &wire.Filter{Type: wire.NextGroupStart}
	if resume {
		filter.Type = wire.LargestObject
	}
	sub, err := client.Subscribe(ctx, f.ns, f.track, moqt.SubscribeOptions{
		Filter: filter, OnObject: func(o moqt.Object) {
			// A gateway that has just begun with the track may be behind the last one.
			if !resume || from.Less(o.Location) || o.End {
				f.see(session, o)
			}
		},
	})
	if err != nil || !resume {
		return err
	}
	fetch, err := client.JoinAbsolute(ctx, sub, from.Group, moqt.FetchOptions{})
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	for {
		o, err := fetch.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("join: %w", err)
		}
		if from.Less(o.Location) {
			f.see(session, o)
		}
	}
}

func (f *Follower) see(session int, o moqt.Object) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if session != f.session {
		return
	}
	g := f.groups[o.Location.Group]
	if g == nil {
		g = &groupSeen{}
		f.groups[o.Location.Group] = g
	}
	if o.End {
		g.ended = g.ended || o.Reset == nil
		return
	}
	if len(o.Payload) == 0 {
		return // It says where a group ended.
	}
	f.pause = max(f.pause, o.Arrival.Sub(f.last))
	f.last = o.Arrival
	f.objects++
	g.objects++
	g.most = max(g.most, o.Location.Object)
	if f.newest.Less(o.Location) {
		f.newest = o.Location
	}
}

// Followed is what a Follower saw.
type Followed struct {
	Objects int
	// Pause is the longest between two objects since the last reading.
	Pause time.Duration
	// Missing and Twice count objects, and whole groups as one.
	Missing, Twice int
	Moves          int
	Ends           []error
}

// Read tells what was seen so far, and begins to look for the longest pause anew.
// The newest group is left out of the count of what is missing.
func (f *Follower) Read() Followed {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := Followed{Objects: f.objects, Pause: max(f.pause, time.Since(f.last)), Moves: f.moves, Ends: f.ends}
	f.pause = 0
	if f.objects == 0 {
		return out
	}
	first := f.newest.Group
	for id := range f.groups {
		first = min(first, id)
	}
	for id := first; id < f.newest.Group; id++ {
		g := f.groups[id]
		if g == nil {
			out.Missing++
			continue
		}
		switch n := int(g.most) + 1; {
		case g.objects < n:
			out.Missing += n - g.objects
		case g.objects > n:
			out.Twice += g.objects - n
		}
	}
	return out
}
