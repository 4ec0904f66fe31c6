package uplink

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
)

// run keeps a session for ever, at the URL that the parent sent us to last.
func (l *link) run() {
	defer l.m.lost(l)
	wait := firstRetry
	url := l.url
	for l.ctx.Err() == nil {
		began := time.Now()
		next, err := l.connect(url)
		if l.ctx.Err() != nil {
			return
		}
		if url = next; url == "" {
			url = l.url
		}
		if time.Since(began) > steady {
			wait = firstRetry
		}
		pause := wait/2 + rand.N(wait)
		l.tell(err, pause)
		sleep(l.ctx, pause)
		wait = min(2*wait, lastRetry)
	}
}

// connect runs one session until it ends, or until the parent asks us to leave or
// Renew does: then it goes on beside the attempts to reach the URL that was named.
func (l *link) connect(url string) (next string, err error) {
	s, err := l.dial(url)
	if err != nil {
		l.m.metrics.dials.WithLabelValues("failed").Inc()
		l.miss()
		return "", &dialError{err}
	}
	l.m.metrics.dials.WithLabelValues("connected").Inc()
	l.m.log.Info("parent connected", "parent", url, "draft", s.c.Draft())
	l.begin(s)
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(l.ctx)
	l.m.tasks.Go(func() {
		l.m.metrics.sessions.Inc()
		defer l.m.metrics.sessions.Dec()
		l.m.tasks.Go(func() { l.watch(ctx, s) })
		err := s.hear(l.ctx, l)
		cancel()
		l.end(s)
		ended <- err
	})
	select {
	case uri := <-s.goaway:
		s.parting.Store(true)
		l.reconsider(s)
		l.m.tasks.Go(func() { l.part(ctx, s) })
		return uri, errGoingAway
	case err := <-ended:
		return "", err
	}
}

// part leaves a parent that goes away as soon as nothing comes from it any more: it
// need not wait for us. The only one that serves a broadcast is kept to its end.
func (l *link) part(ctx context.Context, s *session) {
	for l.m.uses(l) && ctx.Err() == nil {
		sleep(ctx, glance)
	}
	_ = s.c.Close()
}

var errGoingAway = errors.New("the session is left for another")

func (l *link) dial(url string) (*session, error) {
	ctx, cancel := context.WithTimeout(l.ctx, dialWithin)
	defer cancel()
	conn, err := l.m.cfg.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, goaway: make(chan string, 1)}
	cfg := moqt.ClientConfig{Logger: l.m.log, OnGoaway: func(uri string, _ time.Duration) { s.leave(uri) }}
	if l.m.cfg.Token != nil {
		cfg.AuthToken = l.m.cfg.Token()
	}
	// The session lives on beyond the attempt.
	s.c, err = moqt.NewClient(context.WithoutCancel(ctx), conn, cfg)
	if err != nil {
		return nil, fmt.Errorf("parent %s: %w", url, err)
	}
	return s, nil
}

// tell says why there is no session. That a parent sends us on is no fault.
func (l *link) tell(err error, pause time.Duration) {
	log := l.m.log.With("parent", l.url, "retry_in", pause.Round(time.Millisecond))
	unreached, failed := errors.AsType[*dialError](err)
	switch {
	case errors.Is(err, errGoingAway):
		log.Info("parent goes away")
	case failed:
		log.Warn("parent cannot be reached", "error", unreached.err)
	default:
		log.Warn("parent lost", "error", err)
	}
}

// dialError is an attempt that failed.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
