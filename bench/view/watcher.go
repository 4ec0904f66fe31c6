package view

import (
	"context"
	"sync"
	"time"
)

// watcher is what a viewer of any kind keeps of what it saw, from when it came until
// it leaves.
type watcher struct {
	// Set by newWatcher, then read-only.
	a     *Audience
	home  string // The URL that it came to first.
	class class
	index int
	came  time.Time

	mu     sync.Mutex
	tracks map[string]*track // Guarded by mu. Those that are watched.
	gone   counts            // Guarded by mu. Of tracks that are over.
	play   playback          // Guarded by mu.
	joined bool              // Guarded by mu. Every track has begun.
	moves  int               // Guarded by mu. By GOAWAY.
	ends   int               // Guarded by mu. Sessions that ended otherwise, once they played.
	fails  int               // Guarded by mu. Attempts to connect that failed.
	errs   []string          // Guarded by mu. The first reasons.
}

// maxErrors is how many reasons are kept of one viewer.
const maxErrors = 5

func newWatcher(a *Audience, home string, class class, index int) *watcher {
	return &watcher{
		a: a, home: home, class: class, index: index, came: time.Now(),
		tracks: make(map[string]*track), play: playback{target: a.cfg.Buffer},
	}
}

// track gives a track that is watched from now on.
func (w *watcher) track(name string, sparse bool) *track {
	truth := w.a.truth(name)
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tracks[name]
	if t == nil {
		t = newTrack(truth, sparse)
		w.tracks[name] = t
		if !sparse {
			w.play.expect(name)
		}
	}
	return t
}

// drop says that a track is over.
func (w *watcher) drop(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.tracks[name]; t != nil {
		w.gone.add(t.take(time.Now()).counts)
		delete(w.tracks, name)
		w.play.drop(name)
	}
}

// see takes an item of a track.
func (w *watcher) see(t *track, o item, whole bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fresh := t.see(o, whole)
	m := t.truth.see(o, w, !fresh)
	if !fresh || t.sparse {
		return
	}
	began := w.play.began
	w.play.add(t.truth.name, m, o.arrived)
	if began.IsZero() && !w.play.began.IsZero() {
		w.a.times.add(&w.a.times.start, w, w.play.began.Sub(w.came))
	}
	if !w.joined && w.allBegan() {
		w.joined = true
		w.a.times.add(&w.a.times.join, w, o.arrived.Sub(w.came))
	}
}

// allBegan is called under mu.
func (w *watcher) allBegan() bool {
	for _, t := range w.tracks {
		if _, ok := t.last(); !ok && !t.sparse {
			return false
		}
	}
	return true
}

func (w *watcher) moved() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moves++
}

// ended notes a session that played.
func (w *watcher) ended(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	w.ends++
	w.mu.Unlock()
	w.a.client.Failed(err)
	w.note(err)
}

// failed notes an attempt that came to nothing.
func (w *watcher) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	w.fails++
	w.mu.Unlock()
	w.a.client.Failed(err)
	w.note(err)
}

// note keeps a reason for people to read.
func (w *watcher) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.errs) < maxErrors {
		w.errs = append(w.errs, err.Error())
	}
}

// seen is what one viewer saw: counts from the beginning, the rest since the last take.
type seen struct {
	counts
	moves, ends int
	fails       int
	errs        []string
	pause       float64 // ms
	watching    bool    // Every track has begun.
	recent      bool    // Every track had an object within the last second.
	played      bool    // Its buffer was full once.
	stalls      int     // From the beginning.
	stalled     time.Duration
}

// read is a reading; take also begins to look for pauses, moves and errors anew.
func (w *watcher) read(now time.Time, take bool) seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := seen{
		counts: w.gone, moves: w.moves, ends: w.ends, fails: w.fails, errs: w.errs,
		watching: len(w.tracks) > 0, recent: true, played: !w.play.began.IsZero(),
	}
	s.stalls, s.stalled = w.play.read(now)
	if take {
		w.errs = nil
	}
	for _, t := range w.tracks {
		read := t.peek
		if take {
			read = t.take
		}
		s.addTrack(t, read(now))
	}
	return s
}

func (s *seen) addTrack(t *track, read taken) {
	s.add(read.counts)
	if read.cut != "" {
		s.errs = append(s.errs, read.cut)
	}
	if t.sparse {
		return
	}
	s.watching = s.watching && read.began
	s.recent = s.recent && read.silent < time.Second
	s.pause = max(s.pause, float64(read.pause.Microseconds())/1000)
}
