package view

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/self"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Audience is many viewers in one process.
type Audience struct {
	// Set by New, then read-only.
	cfg     Config
	seats   []*seat
	sockets *sockets
	client  *self.Watch
	dial    dialer
	texts   *texts
	times   times
	// transport gives a viewer of HLS connections of its own.
	transport func(viewer int) (rt http.RoundTripper, leave func(), err error)

	mu     sync.Mutex
	truths map[string]*truth // Guarded by mu.
	report reading           // Guarded by mu. Of the last Report.
	sample reading           // Guarded by mu. Of the last Sample.
}

// times are how long coming took.
type times struct {
	mu                   sync.Mutex
	connect, join, start report.Histogram // Guarded by mu.
}

// add notes a time, unless the viewer is not to be measured.
func (t *times) add(h *report.Histogram, w *watcher, d time.Duration) {
	if w.class != steady {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h.AddDuration(d)
}

// New makes an Audience that is not there yet.
func New(cfg Config) (*Audience, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	a := &Audience{cfg: cfg, sockets: newSockets(cfg.PerSocket), truths: make(map[string]*truth), texts: newTexts()}
	a.client, a.dial, a.transport = self.New(a.sockets.drops), a.dialURL, a.newTransport
	of, stuck := cfg.cast()
	for i := range cfg.Viewers {
		a.seats = append(a.seats, newSeat(a, cfg.URLs[i%len(cfg.URLs)], of[i], i, stuck[i]))
	}
	if cfg.Reference != "" {
		a.seats = append(a.seats, newSeat(a, cfg.Reference, reference, cfg.Viewers, false))
	}
	a.report.at = time.Now()
	a.sample.at = a.report.at
	return a, nil
}

// protocols are those of MoQT that are offered, newest first.
func (c *Config) protocols() (out []string) {
	for _, d := range wire.Dialects {
		if c.Draft == 0 || d.Draft == c.Draft {
			out = append(out, d.Protocol)
		}
	}
	return out
}

// Run watches until ctx ends.
func (a *Audience) Run(ctx context.Context) error {
	var tasks sync.WaitGroup
	for i, s := range a.seats {
		tasks.Go(func() {
			if s.class != reference {
				pause(ctx, a.cfg.Ramp*time.Duration(i)/time.Duration(a.cfg.Viewers))
			}
			s.run(ctx)
		})
	}
	tasks.Go(func() { _ = a.client.Run(ctx) }) // It only measures.
	<-ctx.Done()
	tasks.Wait()
	return a.sockets.close()
}

// maxTruths bounds the tracks that catalogs can name.
const maxTruths = 1024

// truth gives what is known of a track.
func (a *Audience) truth(name string) *truth {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.truths[name]
	if t == nil {
		t = newTruth(name)
		if len(a.truths) < maxTruths {
			a.truths[name] = t
		}
	}
	return t
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// shortest keeps a short stay from being none.
const shortest = 100 * time.Millisecond

// seat is where viewers come and go, one at a time.
type seat struct {
	// Set by newSeat, then read-only.
	a     *Audience
	home  string
	class class
	index int
	stuck bool
	stays *rand.Rand // Owned by run. nil for who stays for ever.

	mu   sync.Mutex
	now  *watcher // Guarded by mu. nil before the first.
	past seen     // Guarded by mu. Of those who left.
}

func newSeat(a *Audience, home string, class class, index int, stuck bool) *seat {
	s := &seat{a: a, home: home, class: class, index: index, stuck: stuck}
	random := rand.New(rand.NewPCG(a.cfg.Seed, uint64(index)+2))
	if a.cfg.Stay > 0 && class != reference && random.Float64() < a.cfg.Churn {
		s.stays = random
	}
	return s
}

// run has viewers come, one after the other.
func (s *seat) run(ctx context.Context) {
	for ctx.Err() == nil {
		stay, leave := ctx, context.CancelFunc(func() {})
		if s.stays != nil {
			stay, leave = context.WithTimeout(ctx, shortest+time.Duration(s.stays.ExpFloat64()*float64(s.a.cfg.Stay)))
		}
		w := s.come()
		if s.a.cfg.HLS {
			newHLSViewer(w, s.stuck).run(stay)
		} else {
			newMoQViewer(w, s.stuck).run(stay)
		}
		leave()
	}
}

// come puts a new viewer in the place of the one who left.
func (s *seat) come() *watcher {
	w := newWatcher(s.a, s.home, s.class, s.index)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != nil {
		left := s.now.read(time.Now(), true)
		s.past.keep(left)
	}
	s.now = w
	return w
}

// keep adds what a viewer who left saw.
func (s *seen) keep(left seen) {
	s.add(left.counts)
	s.moves += left.moves
	s.ends += left.ends
	s.fails += left.fails
	s.stalls += left.stalls
	s.stalled += left.stalled
	s.errs = append(s.errs, left.errs[:min(len(left.errs), max(0, maxErrors-len(s.errs)))]...)
}

// read is a reading of the seat: counts of all who sat there.
func (s *seat) read(now time.Time, take bool) seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := seen{}
	if s.now != nil {
		out = s.now.read(now, take)
	}
	out.keep(s.past)
	if take {
		s.past.errs = nil
	}
	return out
}
