package rtsp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"github.com/freshet-live/freshet/ingest"
)

const (
	// lookEvery is how often a session's counters go to the metrics.
	lookEvery = time.Second
	// reportEvery is how often statistics go to the debug log.
	reportEvery = 10 * time.Second
)

// Why a session ended, beside what package ingest knows.
var (
	errSilent = errors.New("no packets for 10 s")
	errSink   = errors.New("not taken")
	errCamera = errors.New("the camera has gone")
)

// feed is a session that brings media, from either side.
type feed struct {
	// Set by the door before the feed is used, then read-only.
	door     *Door
	log      *slog.Logger
	side     string
	remote   string
	receiver *receiver
	session  *ingest.Session
	hangUp   func() // Ends the RTSP session without waiting for it.
	opened   time.Time

	transport atomic.Value  // A string.
	rate      atomic.Uint64 // Mbit/s, as float bits.
	broken    atomic.Value  // The error that the sink gave, boxed.

	stop    context.CancelFunc // Of watch.
	watcher sync.WaitGroup
}

// boxed lets an atomic hold errors of different types.
type boxed struct{ error }

// request is what the feed asks the name for.
func (f *feed) request(name string, c credentials) ingest.Request {
	return ingest.Request{
		Name: name, Protocol: protocol, Remote: f.remote, User: c.user, Token: c.token,
		Trusted: f.side == sidePull,
		Stats:   func() any { return f.Stats() },
	}
}

// start has the feed looked after until end.
func (f *feed) start(ctx context.Context) {
	f.door.metrics.sessions.WithLabelValues(f.side).Inc()
	f.opened = time.Now()
	ctx, f.stop = context.WithCancel(ctx)
	f.watcher.Go(func() { f.watch(ctx) })
}

// begin has the packets of src flow into the session.
func (f *feed) begin(src source, transport *gortsplib.SessionTransport) error {
	if transport != nil {
		f.transport.Store(strings.ToLower(transport.Protocol.String()))
	}
	if err := f.session.Begin(0); err != nil {
		return err
	}
	if err := f.session.SetProgram(f.receiver.program); err != nil {
		return err
	}
	f.log.Info("rtsp session begins", "side", f.side, "transport", f.transport.Load(),
		"streams", f.streams(), "unsupported", f.receiver.unsupported())
	f.receiver.listen(src, f.session, f.session.Touch, func(err error) {
		f.broken.Store(boxed{fmt.Errorf("%w: %w", errSink, err)})
		f.hangUp()
	})
	return nil
}

func (f *feed) streams() []string {
	names := make([]string, len(f.receiver.program.Streams))
	for i, s := range f.receiver.program.Streams {
		names[i] = s.Codec.String()
	}
	return names
}

// Stats are safe for any goroutine.
func (f *feed) Stats() Stats {
	s := f.receiver.Stats()
	s.Transport, _ = f.transport.Load().(string)
	s.MbpsRecv = math.Float64frombits(f.rate.Load())
	return s
}

// watch feeds the metrics, tells of silence, and hangs up when the session has
// ended.
func (f *feed) watch(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	w := watcher{feed: f, looked: f.opened, reported: f.opened}
	defer func() { w.look(time.Now()) }() // The last counts.
	for {
		select {
		case now := <-ticker.C:
			w.look(now)
		case <-f.session.Done():
			f.hangUp()
			return
		case <-ctx.Done():
			return
		}
	}
}

// watcher is the state of watch.
type watcher struct {
	*feed
	last             Stats
	looked, reported time.Time
	silent           bool
}

func (w *watcher) look(now time.Time) {
	s := w.receiver.Stats()
	w.door.metrics.add(w.last, s)
	if took := now.Sub(w.looked).Seconds(); took > 0 {
		w.rate.Store(math.Float64bits(float64(s.Bytes-w.last.Bytes) * 8 / 1e6 / took))
	}
	switch came := s.Packets != w.last.Packets; {
	case came && w.silent:
		w.silent = false
		w.log.Info("rtsp session sends again")
	case !came && !w.silent && w.last.Packets > 0:
		w.silent = true
		w.log.Warn("rtsp session is silent")
	}
	w.last, w.looked = s, now
	if now.Sub(w.reported) >= reportEvery {
		w.reported = now
		w.log.Debug("rtsp statistics", "stats", s)
	}
}

// end gives the name back and logs how it went.
func (f *feed) end(ctx context.Context, err error) {
	reason := f.reason(ctx, err)
	f.session.Close()
	f.stop()
	f.watcher.Wait()
	f.door.metrics.sessions.WithLabelValues(f.side).Dec()
	name := endName(reason)
	f.door.metrics.ended.WithLabelValues(name).Inc()
	level := slog.LevelInfo
	if slices.Contains([]string{"silent", "sink"}, name) {
		level = slog.LevelWarn
	}
	s := f.Stats()
	f.log.Log(context.WithoutCancel(ctx), level, "rtsp session ended", "side", f.side, "reason", name, "error", reason,
		"duration", time.Since(f.opened).Round(time.Millisecond), "bytes", s.Bytes, "packets", s.Packets,
		"lost", s.Lost, "damaged", s.Damaged)
}

// reason finds out why the session ended: what the sink said, what ingest said,
// the end of the gateway, or else what gortsplib saw.
func (f *feed) reason(ctx context.Context, err error) error {
	if ended := f.session.Err(); ended != nil {
		return ended
	}
	if b, ok := f.broken.Load().(boxed); ok {
		return b.error
	}
	if ctx.Err() != nil {
		return ingest.ErrDraining
	}
	if _, ok := errors.AsType[liberrors.ErrServerSessionTimedOut](err); ok {
		return errSilent
	}
	return err
}

// endName names why a session ended: a closed set of labels.
func endName(reason error) string {
	if _, ok := errors.AsType[liberrors.ErrServerSessionTornDown](reason); ok {
		return "closed_by_encoder"
	}
	for _, r := range []struct {
		err  error
		name string
	}{
		{ingest.ErrTakenOver, "taken_over"},
		{ingest.ErrExpired, "expired"},
		{ingest.ErrDraining, "draining"},
		{errSilent, "silent"},
		{errSink, "sink"},
		{errCamera, "camera_gone"},
	} {
		if errors.Is(reason, r.err) {
			return r.name
		}
	}
	return "connection_lost"
}
