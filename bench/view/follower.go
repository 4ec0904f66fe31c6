package view

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// follower takes what one Media Playlist lists.
type follower struct {
	// Set by newFollower, then read-only.
	*web
	v       *hlsViewer
	address string
	track   *track
	tasks   *sync.WaitGroup // Of the viewer's watch, which ends them.

	// Owned by run.
	msn   uint64 // What comes next: the segment,
	part  int    // and the part in it.
	begun bool
	hints map[string]chan hinted // What was asked for before it was listed.
	clock time.Duration          // The media time of what comes next, without dates.
	knew  time.Time              // When the last playlist came.
}

// hinted is the answer to an early request. Its buffer is given back by who takes it.
type hinted struct {
	answer
	buffer *[]byte
	err    error
}

// run follows the playlist to its end.
func (f *follower) run(ctx context.Context) error {
	var buffer []byte
	address, past := f.address, true
	for {
		a, err := f.get(ctx, address, 0, 0, &buffer)
		if err != nil {
			return fmt.Errorf("%s: %w", f.track.truth.name, err)
		}
		p, err := f.v.a.texts.parse(a.body)
		if err != nil {
			return fmt.Errorf("%s: %w", f.track.truth.name, err)
		}
		if f.lacks(p) {
			pause(ctx, 50*time.Millisecond)
			address = f.address
			continue
		}
		before := f.at()
		f.knew = a.arrived
		if err := f.take(ctx, p, past); err != nil {
			return err
		}
		if p.ended {
			return nil
		}
		f.ahead(ctx, p)
		address, past = f.next(ctx, p, before), false
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

func (f *follower) at() relay.Location { return relay.Location{Group: f.msn, Object: uint64(f.part)} }

// next says what to ask for, after a pause where the server does not hold answers back
// or gave one without anything new.
func (f *follower) next(ctx context.Context, p *playlist, before relay.Location) string {
	var ask []string
	switch {
	case !p.blocks:
		pause(ctx, max(p.target/2, 100*time.Millisecond))
	case f.at() == before:
		pause(ctx, 50*time.Millisecond)
	}
	if p.blocks {
		ask = append(ask, fmt.Sprintf("_HLS_msn=%d", f.msn))
		if p.partTarget > 0 {
			ask = append(ask, fmt.Sprintf("_HLS_part=%d", f.part))
		}
	}
	if time.Since(f.knew) < p.canSkip/2 { // As long as a delta update is sure to be enough (6.3.7).
		ask = append(ask, "_HLS_skip=YES")
	}
	if len(ask) == 0 {
		return f.address
	}
	mark := "?"
	if strings.Contains(f.address, "?") {
		mark = "&"
	}
	return f.address + mark + strings.Join(ask, "&")
}

// lacks tells whether a delta update leaves out what was not taken yet.
func (f *follower) lacks(p *playlist) bool {
	return p.skipped > 0 && (!f.begun || f.msn < p.sequence+p.skipped)
}

// begin starts at the newest segment: at its first part, where decoding can begin.
func (f *follower) begin(p *playlist) {
	f.begun = true
	f.msn = p.sequence + p.skipped + uint64(max(len(p.segments)-1, 0))
}

// take fetches all that is listed and was not taken yet.
func (f *follower) take(ctx context.Context, p *playlist, past bool) error {
	if !f.begun {
		f.begin(p)
	}
	if f.msn < p.sequence { // It fell behind: the segments between are missing.
		f.msn, f.part = p.sequence, 0
	}
	for i := int(f.msn - p.sequence - p.skipped); i >= 0 && i < len(p.segments); i++ {
		s := &p.segments[i]
		if err := f.segment(ctx, s, past); err != nil {
			return err
		}
		if s.uri == "" {
			return nil // More of it will come.
		}
		f.msn++
		f.part = 0
	}
	return nil
}

// segment takes the parts of a segment or, where they are not listed, all of it.
func (f *follower) segment(ctx context.Context, s *segment, past bool) error {
	if len(s.parts) == 0 && f.part == 0 {
		return f.fetch(ctx, part{uri: s.uri, duration: s.duration, gap: s.gap}, s.date, past)
	}
	if f.part > len(s.parts) {
		f.part = len(s.parts)
	}
	date := s.date
	for i, p := range s.parts {
		if i >= f.part {
			p.gap = p.gap || s.gap
			if err := f.fetch(ctx, p, date, past); err != nil {
				return err
			}
		}
		if !date.IsZero() {
			date = date.Add(p.duration)
		}
	}
	return nil
}

// fetch takes a part. One that is not to be had is missing, and nothing else.
func (f *follower) fetch(ctx context.Context, p part, date time.Time, past bool) error {
	at := f.at()
	f.part++
	start := f.clock
	f.clock += p.duration
	if !date.IsZero() {
		start = time.Duration(date.UnixNano())
	}
	if p.gap { // Missing, as its server says.
		f.track.expect(at, time.Now())
		return nil
	}
	h := f.early(ctx, p)
	defer bodies.Put(h.buffer)
	f.track.expect(at, time.Now())
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if h.err != nil {
		f.v.note(fmt.Errorf("%s: %s: %w", f.track.truth.name, p.uri, h.err))
		if _, ok := errors.AsType[*statusError](h.err); ok {
			return nil
		}
		return h.err
	}
	f.v.see(f.track, item{
		Location: at, payload: h.body, arrived: h.arrived, past: past,
		media: media{start: start, end: start + p.duration, captured: date},
	}, false)
	return nil
}

// early gives what was asked for before it was listed or, without it, asks now.
func (f *follower) early(ctx context.Context, p part) hinted {
	if asked := f.hints[p.uri]; asked != nil && p.n == 0 {
		delete(f.hints, p.uri)
		h := <-asked // It ends with ctx.
		if h.err == nil {
			return h
		}
		bodies.Put(h.buffer)
	}
	return f.ask(ctx, p)
}

func (f *follower) ask(ctx context.Context, p part) hinted {
	buffer := bodies.Get().(*[]byte) //nolint:errcheck // the pool holds nothing else
	h := hinted{buffer: buffer}
	address, err := resolve(f.address, p.uri)
	if err == nil {
		h.answer, err = f.get(ctx, address, p.from, p.n, buffer)
	}
	h.err = err
	return h
}

// ahead asks for the part that is hinted, unless that was done before.
func (f *follower) ahead(ctx context.Context, p *playlist) {
	if p.hint == "" || f.hints[p.hint] != nil {
		return
	}
	clear(f.hints) // What was hinted and never listed; its answer is left to the collector.
	answer := make(chan hinted, 1)
	f.hints[p.hint] = answer
	uri := p.hint
	f.tasks.Go(func() { answer <- f.ask(ctx, part{uri: uri}) })
}
