package view

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
)

// moqViewer is a viewer over MoQ, through all the sessions of one stay.
type moqViewer struct {
	*watcher
	throttle *throttle      // nil for who reads all that comes.
	prank    prank          // What a viewer does who misbehaves.
	tasks    sync.WaitGroup // Of run.

	mu      sync.Mutex
	current int // Guarded by mu. The number of the session whose objects count.
}

func newMoQViewer(w *watcher, stuck bool) *moqViewer {
	v := &moqViewer{watcher: w, throttle: newThrottle(w, stuck)}
	if w.class == misbehaving {
		v.prank = pranks[w.index%len(pranks)]
	}
	return v
}

// redialPause is what a viewer waits for after a failure.
const redialPause = 100 * time.Millisecond

func (v *moqViewer) run(ctx context.Context) {
	defer v.tasks.Wait()
	url := v.home
	var before *session
	for ctx.Err() == nil {
		s, err := v.connect(ctx, url)
		if err != nil {
			v.failed(ctx, fmt.Errorf("%s: %w", url, err))
			pause(ctx, redialPause)
			continue
		}
		before.leave()
		before = nil
		select {
		case next := <-s.goaway:
			v.moved()
			before = s
			if next != "" {
				url = next
			}
			continue
		case err := <-s.over:
			v.ended(ctx, fmt.Errorf("%s: %w", url, err))
		case <-s.client.Done():
			v.ended(ctx, fmt.Errorf("%s: session: %w", url, s.client.Err()))
			pause(ctx, redialPause)
		case <-ctx.Done():
		}
		s.leave()
	}
	before.leave()
}

const connectWithin = 10 * time.Second

// connect opens a session and subscribes to every track behind its last object.
func (v *moqViewer) connect(ctx context.Context, rawURL string) (*session, error) {
	limited, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	began := time.Now()
	conn, authority, err := v.a.dial(limited, v.index, rawURL)
	if err != nil {
		return nil, err
	}
	s := &session{moqViewer: v, over: make(chan error, 1), goaway: make(chan string, 1)}
	config := moqt.ClientConfig{
		Authority: authority, AuthToken: v.a.cfg.Token,
		OnGoaway: func(uri string, _ time.Duration) { s.goaway <- uri },
	}
	if u, err := url.Parse(rawURL); err == nil && authority != "" {
		config.Path = u.Path
	}
	conn = v.prank.wrap(conn)
	// The session outlives this call, and ends with leave.
	s.client, err = moqt.NewClient(ctx, conn, config)
	if err != nil {
		return nil, err
	}
	v.a.times.add(&v.a.times.connect, v.watcher, time.Since(began))
	v.mu.Lock()
	v.current++ // What still comes over the one before is not counted.
	s.number = v.current
	v.mu.Unlock()
	if err := s.begin(ctx, limited); err != nil {
		s.leave()
		return nil, err
	}
	v.prank.play(ctx, s, conn)
	return s, nil
}

// session is one session of a viewer.
type session struct {
	*moqViewer
	client *moqt.Client
	number int
	over   chan error  // Tells of the first subscription that ends.
	goaway chan string // Tells where to go.

	mu     sync.Mutex
	listed map[string]bool // Guarded by mu. What the catalog has; nil without one.
	subs   map[string]bool // Guarded by mu. What was subscribed to.
}

func (s *session) leave() {
	if s != nil {
		_ = s.client.Close() // Its end was told already.
	}
}

// end tells that the session is of no use any more.
func (s *session) end(err error) {
	select {
	case s.over <- err:
	default:
	}
}

// see takes an object of the session that counts.
func (s *session) see(t *track, o item) {
	s.moqViewer.mu.Lock()
	current := s.number == s.current
	if current { // Under the lock, else the next session may begin in between, behind another object.
		s.watcher.see(t, o, true)
	}
	s.moqViewer.mu.Unlock()
}
