package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/freshet-live/freshet/bench/encoders"
	"github.com/freshet-live/freshet/bench/view"
)

// hlsTrial puts a load on a server of LL-HLS.
func (s *sweep) hlsTrial(ctx context.Context, t *Trial) (err error) {
	server, err := s.Target.startHLS(ctx, s.dir, s.CPUs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	t.Server = server.name
	if err := server.opened(ctx); err != nil {
		return err
	}
	studio, err := newStudio(ctx, t.Load, server.publish)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, studio.close()) }()
	if err := server.listed(ctx, t.Broadcasts); err != nil {
		return err
	}
	house, err := newHouse(ctx, t.Load, server.url)
	if err != nil {
		return err
	}
	defer house.leave()
	gather := func(ctx context.Context) error { return s.seat(ctx, house, server) }
	if err := s.gathered(ctx, t, server, gather); err != nil || t.Why != "" {
		return err
	}
	if err := s.measureHLS(ctx, t, house, server); err != nil {
		return err
	}
	return server.alive()
}

// house is an audience for each broadcast: what viewers of one know of a part, those of
// another do not.
type house struct {
	audiences []*view.Audience
	viewers   int // Of all.
	cancel    context.CancelFunc
	tasks     sync.WaitGroup
}

// newHouse has viewers come until ctx ends.
func newHouse(ctx context.Context, l Load, url string) (*house, error) {
	h := &house{viewers: l.all()}
	for i := range l.Broadcasts {
		a, err := view.New(view.Config{
			URLs: []string{numbered(url, i+1)}, HLS: true, Viewers: l.Viewers, TLS: anyCertificate,
			Ramp: time.Duration(l.all()) * joinEvery,
		})
		if err != nil {
			return nil, err
		}
		h.audiences = append(h.audiences, a)
	}
	ctx, h.cancel = context.WithCancel(ctx)
	for _, a := range h.audiences {
		h.tasks.Go(func() { _ = a.Run(ctx) }) // It reports what goes wrong.
	}
	return h, nil
}

func (h *house) leave() {
	h.cancel()
	h.tasks.Wait()
}

func numbered(url string, n int) string {
	return strings.ReplaceAll(url, encoders.Placeholder, strconv.Itoa(n))
}

// scene is what a house saw since the one before.
type scene struct {
	objects, missing, twice, joined, ended int
	bytes                                  int64
	p50, p99, longest, pause               float64 // ms; the worst of its audiences.
	dated                                  int     // Parts that say when their last picture was sent.
	why                                    error   // Some viewer's reason to leave, or to come late.
}

func (h *house) report(phase string) (out scene) {
	for _, a := range h.audiences {
		r := a.Report(phase)
		out.objects += int(r.Objects)
		out.bytes += r.Bytes
		out.missing += r.Missing
		out.twice += r.Twice
		out.joined += r.Join.Count
		out.ended += r.Ended + r.Failed
		out.dated += r.Published.Count
		out.p50, out.p99 = max(out.p50, r.Published.P50), max(out.p99, r.Published.P99)
		out.longest, out.pause = max(out.longest, r.Published.Max), max(out.pause, r.Pause.Max)
		if out.why == nil && len(r.Errors) > 0 {
			out.why = errors.New(r.Errors[0])
		}
	}
	return out
}

// seat waits until all viewers have something of each rendition, and for what the
// joining cost to be over.
func (s *sweep) seat(ctx context.Context, h *house, server *server) error {
	deadline := time.Now().Add(gatherWithin + time.Duration(h.viewers)*joinEvery)
	joined := 0
	for {
		now := h.report("gathering")
		joined += now.joined
		switch {
		case joined >= h.viewers:
			return sleep(ctx, s.Warm)
		case time.Now().After(deadline):
			return fmt.Errorf("%d of %d viewers have something (%w)", joined, h.viewers, cmp.Or(now.why, errSilent))
		}
		if err := errors.Join(server.alive(), sleep(ctx, 200*time.Millisecond)); err != nil {
			return err
		}
	}
}

var errSilent = errors.New("no error was seen")

// settle is until the last parts of a window are judged, which is three seconds after
// their segment.
const settle = 4 * time.Second

// measureHLS watches for a window, and waits for what is still due.
func (s *sweep) measureHLS(ctx context.Context, t *Trial, h *house, server *server) error {
	h.report("warm")
	g, err := s.begin(ctx, server)
	if err != nil {
		return err
	}
	if err := sleep(ctx, s.Window); err != nil {
		return errors.Join(err, g.end(t))
	}
	window := h.report("window")
	if err := g.end(t); err != nil {
		return err
	}
	wait := max(settle, s.Deadline)
	if err := sleep(ctx, wait); err != nil {
		return err
	}
	after := h.report("settled")
	if window.objects > 0 && window.dated == 0 {
		return errors.New("nothing says when parts were published: the server takes user data (SEI) out of pictures")
	}
	t.Bytes, t.Objects = window.bytes, window.objects
	t.Missing, t.Twice = window.missing+after.missing, window.twice+after.twice
	t.P50, t.P99, t.Max = window.p50, window.p99, max(window.longest, after.longest)
	var left error
	switch {
	case window.ended+after.ended > 0:
		left = cmp.Or(window.why, after.why, errSilent)
	case after.pause >= float64(wait.Milliseconds()):
		left = fmt.Errorf("it got nothing for %.0f ms", after.pause)
	}
	t.judge(s.Deadline, left)
	if !t.Passed {
		t.Limit = limitOf(t.Client, t.Idle, t.Cores, s.CPUs)
	}
	return nil
}
