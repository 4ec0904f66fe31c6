package llhlstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
)

var errNoSamples = errors.New("no samples")

// mediaEnd is where a segment's media ended, in ticks.
type mediaEnd struct {
	header string
	ticks  uint64
}

// fetch gets what is new in the playlist: all that is listed must be there.
func (f *follower) fetch(ctx context.Context, l *playlist) error {
	for i, s := range l.segments {
		if err := f.fetchParts(ctx, l, s); err != nil {
			return err
		}
		if s.gap || f.fetched[s.uri] {
			continue
		}
		f.fetched[s.uri] = true
		a, err := f.available(ctx, l, s.uri)
		if err != nil || a == nil {
			return err
		}
		if err := f.timing(ctx, l, i, a); err != nil {
			return err
		}
	}
	return f.fetchParts(ctx, l, l.open)
}

func (f *follower) fetchParts(ctx context.Context, l *playlist, s segment) error {
	for _, p := range s.parts {
		if p.gap || f.fetched[p.uri] {
			continue
		}
		f.fetched[p.uri] = true
		a, err := f.available(ctx, l, p.uri)
		if err != nil || a == nil {
			return err
		}
		f.part(RuleMedia, a, s, p)
	}
	return nil
}

// part judges the media of a part. rule is for what is not whole.
func (f *follower) part(rule string, a *answer, s segment, p part) {
	m, err := decode(a.body)
	if err != nil {
		f.add(rule, f.url, "%s: %v", p.uri, err)
		return
	}
	if p.independent && !m.independent {
		f.add(RuleIndependent, f.url, "%s does not begin with one", p.uri)
	}
	// The header is known once a segment was looked at.
	if scale := f.scales[s.header]; scale != 0 {
		if off := ticks(m.duration, scale) - p.duration; off.Abs() > time.Millisecond {
			f.add(rule, f.url, "%s: DURATION %v is off by %v", p.uri, p.duration, off)
		}
	}
}

func (f *follower) available(ctx context.Context, l *playlist, uri string) (*answer, error) {
	a, err := f.get(ctx, f.resolve(f.url, uri), nil)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		f.add(RuleAvailable, f.url, "%s: status %d", uri, a.status)
		return nil, nil //nolint:nilnil // No answer is no error of the check's.
	}
	f.mediaHeaders(a, l.target)
	return a, nil
}

// timing compares a segment's media time with EXTINF and with the segment before.
func (f *follower) timing(ctx context.Context, l *playlist, i int, a *answer) error {
	s := l.segments[i]
	scale, err := f.timescale(ctx, s.header)
	if err != nil {
		return err
	}
	m, err := decode(a.body)
	if err != nil || scale == 0 {
		f.add(RuleMedia, f.url, "%s: timescale %d, %v", s.uri, scale, err)
		return nil
	}
	if l.independent && !m.independent {
		f.add(RuleIndependent, f.url, "%s does not begin with one", s.uri)
	}
	if off := ticks(m.duration, scale) - s.duration; off.Abs() > time.Millisecond {
		f.add(RuleMedia, f.url, "%s: EXTINF %v is off by %v", s.uri, s.duration, off)
	}
	msn := l.sequence + uint64(i)
	if last, ok := f.ends[msn-1]; ok && last.header == s.header && !s.discontinuity {
		if off := ticks(m.start, scale) - ticks(last.ticks, scale); off.Abs() > time.Millisecond {
			f.add(RuleMedia, f.url, "%s begins %v after the end of the one before", s.uri, off)
		}
	}
	f.ends[msn] = mediaEnd{s.header, m.start + m.duration}
	return nil
}

func ticks(n uint64, scale uint32) time.Duration {
	s := n / uint64(scale)
	return time.Duration(s)*time.Second + time.Duration(n%uint64(scale))*time.Second/time.Duration(scale)
}

func (f *follower) timescale(ctx context.Context, header string) (uint32, error) {
	if n, ok := f.scales[header]; ok {
		return n, nil
	}
	a, err := f.get(ctx, f.resolve(f.url, header), nil)
	if err != nil {
		return 0, err
	}
	if a.status != http.StatusOK {
		f.add(RuleAvailable, f.url, "header %q: status %d", header, a.status)
		return 0, nil
	}
	file, err := mp4.DecodeFile(bytes.NewReader(a.body))
	if err != nil || file.Init == nil || file.Init.Moov.Trak == nil {
		f.add(RuleMedia, f.url, "header %q: %v", header, err)
		return 0, nil
	}
	f.scales[header] = file.Init.Moov.Trak.Mdia.Mdhd.Timescale
	return f.scales[header], nil
}

// media is what the boxes say of a part or segment.
type media struct {
	start, duration uint64
	independent     bool
}

func decode(body []byte) (m media, err error) {
	file, err := mp4.DecodeFile(bytes.NewReader(body))
	if err != nil {
		return m, fmt.Errorf("decode: %w", err)
	}
	first := true
	for _, segment := range file.Segments {
		for _, fragment := range segment.Fragments {
			traf := fragment.Moof.Traf
			for _, trun := range traf.Truns {
				trun.AddSampleDefaultValues(traf.Tfhd, nil)
				if first && len(trun.Samples) > 0 {
					m.start = traf.Tfdt.BaseMediaDecodeTime()
					m.independent = !mp4.DecodeSampleFlags(trun.Samples[0].Flags).SampleIsNonSync
					first = false
				}
				for _, s := range trun.Samples {
					m.duration += uint64(s.Dur)
				}
			}
		}
	}
	if first {
		return m, fmt.Errorf("decode: %w", errNoSamples)
	}
	return m, nil
}
