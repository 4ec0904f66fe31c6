package llhlstest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// follower is a low-latency client of one Media Playlist.
type follower struct {
	*checker
	url     string
	first   *playlist
	now     *playlist
	fetched map[string]bool
	removed []removal
	scales  map[string]uint32 // Timescales by header.
	ends    map[uint64]mediaEnd
}

// removal is a segment that left the playlist and must stay for a while.
type removal struct {
	url   string
	until time.Time
}

func (c *checker) follow(ctx context.Context, address string) error {
	f := &follower{
		checker: c, url: address, fetched: make(map[string]bool),
		scales: make(map[string]uint32), ends: make(map[uint64]mediaEnd),
	}
	a, err := c.get(ctx, address, nil)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("%s: status %d", address, a.status)
	}
	if f.first, err = parseMedia(a.text()); err != nil {
		return err
	}
	f.playlistHeaders(a)
	f.age(a, f.first.target/2)
	if err := f.version(ctx, f.first); err != nil {
		return err
	}
	for n := 0; time.Now().Before(c.until) && !f.now.ended; n++ {
		if err := f.next(ctx); err != nil {
			return err
		}
		if n%5 == 2 {
			if err := f.delta(ctx); err != nil {
				return err
			}
		}
	}
	if f.now.ended {
		return nil
	}
	return f.probe(ctx)
}

// next asks for the next part with a blocking reload, and for the hinted part at
// the same time, as clients do.
func (f *follower) next(ctx context.Context) error {
	msn, part := f.now.last()+1, len(f.now.open.parts)
	type hinted struct {
		*answer
		err error
	}
	hint := make(chan hinted, 1)
	go func() {
		a, err := f.get(ctx, f.resolve(f.url, f.now.hint), nil)
		hint <- hinted{a, err}
	}()
	address := fmt.Sprintf("%s?_HLS_msn=%d&_HLS_part=%d", f.url, msn, part)
	a, err := f.get(ctx, address, nil)
	h := <-hint
	if err != nil {
		return err
	}
	if h.err != nil {
		return h.err
	}
	if a.status != http.StatusOK {
		f.add(RuleBlocking, f.url, "status %d for the next part", a.status)
		return fmt.Errorf("%s: status %d", address, a.status)
	}
	l, err := parseMedia(a.text())
	if err != nil {
		return err
	}
	if l.last() < msn && len(l.open.parts) <= part && !l.ended {
		f.add(RuleBlocking, f.url, "part %d of %d is not in the answer", part, msn)
	}
	f.age(a, 6*l.target)
	f.hint(h.answer, l, f.now.hint)
	return f.version(ctx, l)
}

// hint judges the answer to the request of a hinted part.
func (f *follower) hint(a *answer, l *playlist, uri string) {
	if l.ended && a.status == http.StatusNotFound {
		return
	}
	in, listed := l.find(uri)
	switch {
	case listed == nil && a.status == http.StatusOK:
		f.add(RuleHint, f.url, "%s was sent before it is listed", uri)
	case listed != nil && a.status != http.StatusOK:
		f.add(RuleHint, f.url, "%s: status %d, but it came", uri, a.status)
	case listed != nil:
		f.mediaHeaders(a, l.target)
		f.part(RuleHint, a, in, *listed)
		f.fetched[uri] = true
	}
}

// version judges a new version of the playlist against the rules and the version
// before, and fetches what is new in it.
func (f *follower) version(ctx context.Context, l *playlist) error {
	f.static(l)
	if f.now != nil {
		f.successor(f.now, l)
	}
	f.now = l
	f.mu.Lock()
	f.latest[f.url] = state{l.last(), len(l.open.parts)}
	f.mu.Unlock()
	if err := f.reports(ctx, l); err != nil {
		return err
	}
	if err := f.fetch(ctx, l); err != nil {
		return err
	}
	return f.stay(ctx)
}

// stay looks for removed segments for as long as they have to stay.
func (f *follower) stay(ctx context.Context) error {
	rest := f.removed[:0]
	for _, r := range f.removed {
		if time.Now().After(r.until) {
			continue
		}
		rest = append(rest, r)
		a, err := f.do(ctx, http.MethodHead, r.url, nil)
		if err != nil {
			return err
		}
		if a.status != http.StatusOK {
			f.add(RuleRemoved, f.url, "%s: status %d", r.url[strings.LastIndexByte(r.url, '/')+1:], a.status)
		}
	}
	f.removed = rest
	return nil
}

// reports compares what is told of the other renditions with what they say.
func (f *follower) reports(ctx context.Context, l *playlist) error {
	if l.ended {
		return nil
	}
	f.mu.Lock()
	others := len(f.latest) - 1
	f.mu.Unlock()
	if len(l.reports) < others {
		f.add(RuleReport, f.url, "%d reports for %d renditions", len(l.reports), others)
	}
	for _, r := range l.reports {
		a, err := f.get(ctx, f.resolve(f.url, r["URI"]), nil)
		if err != nil {
			return err
		}
		other, err := parseMedia(a.text())
		if err != nil {
			f.add(RuleReport, f.url, "%s is no playlist", r["URI"])
			continue
		}
		f.report(r, other)
	}
	return nil
}

func (f *follower) report(r map[string]string, other *playlist) {
	var msn uint64
	var part int
	if _, err := fmt.Sscan(r["LAST-MSN"], &msn); err != nil {
		f.add(RuleReport, f.url, "LAST-MSN %q", r["LAST-MSN"])
		return
	}
	if _, err := fmt.Sscan(r["LAST-PART"], &part); err != nil {
		f.add(RuleReport, f.url, "LAST-PART %q", r["LAST-PART"])
		return
	}
	last := other.last() + 1
	switch {
	case msn > last, msn == last && part >= len(other.open.parts):
		f.add(RuleReport, f.url, "reports part %d of %d, which is not there", part, msn)
	case msn+1 < last:
		f.add(RuleReport, f.url, "reports segment %d, long after %d began", msn, last)
	}
}
