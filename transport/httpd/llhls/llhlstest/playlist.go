package llhlstest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// playlist is a parsed Media Playlist.
type playlist struct {
	version       int
	target        time.Duration
	partTarget    time.Duration
	control       map[string]string
	sequence      uint64
	discontinuity uint64
	independent   bool
	skipped       int
	segments      []segment
	open          segment // What follows the last whole segment.
	hint          string
	reports       []map[string]string
	ended         bool
}

type segment struct {
	uri           string
	duration      time.Duration
	date          time.Time
	discontinuity bool
	gap           bool
	header        string
	parts         []part
}

type part struct {
	uri         string
	duration    time.Duration
	independent bool
	gap         bool
}

var errPlaylist = errors.New("not a playlist")

func parseMedia(text string) (*playlist, error) {
	if !strings.HasPrefix(text, "#EXTM3U\n") {
		return nil, fmt.Errorf("%w: no EXTM3U", errPlaylist)
	}
	l := &playlist{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		tag, value, _ := strings.Cut(line, ":")
		switch {
		case line == "":
		case !strings.HasPrefix(line, "#"):
			l.open.uri = line
			l.segments = append(l.segments, l.open)
			l.open = segment{header: l.open.header}
		default:
			if err := l.tag(tag, value); err != nil {
				return nil, fmt.Errorf("%w: %s: %w", errPlaylist, line, err)
			}
		}
	}
	return l, nil
}

func (l *playlist) tag(tag, value string) (err error) {
	switch tag {
	case "#EXT-X-VERSION":
		l.version, err = strconv.Atoi(value)
	case "#EXT-X-TARGETDURATION":
		l.target, err = seconds(value)
	case "#EXT-X-MEDIA-SEQUENCE":
		l.sequence, err = strconv.ParseUint(value, 10, 64)
	case "#EXT-X-DISCONTINUITY-SEQUENCE":
		l.discontinuity, err = strconv.ParseUint(value, 10, 64)
	case "#EXT-X-INDEPENDENT-SEGMENTS":
		l.independent = true
	case "#EXT-X-SERVER-CONTROL":
		l.control = attributes(value)
	case "#EXT-X-PART-INF":
		l.partTarget, err = seconds(attributes(value)["PART-TARGET"])
	case "#EXT-X-SKIP":
		l.skipped, err = strconv.Atoi(attributes(value)["SKIPPED-SEGMENTS"])
	case "#EXT-X-RENDITION-REPORT":
		l.reports = append(l.reports, attributes(value))
	case "#EXT-X-PRELOAD-HINT":
		if a := attributes(value); a["TYPE"] == "PART" {
			l.hint = a["URI"]
		}
	case "#EXT-X-ENDLIST":
		l.ended = true
	default:
		return l.open.tag(tag, value)
	}
	return err
}

func (s *segment) tag(tag, value string) (err error) {
	switch tag {
	case "#EXTINF":
		s.duration, err = seconds(strings.TrimSuffix(value, ","))
	case "#EXT-X-PROGRAM-DATE-TIME":
		s.date, err = time.Parse(time.RFC3339Nano, value)
	case "#EXT-X-DISCONTINUITY":
		s.discontinuity = true
	case "#EXT-X-GAP":
		s.gap = true
	case "#EXT-X-MAP":
		s.header = attributes(value)["URI"]
	case "#EXT-X-PART":
		a := attributes(value)
		p := part{uri: a["URI"], independent: a["INDEPENDENT"] == "YES", gap: a["GAP"] == "YES"}
		p.duration, err = seconds(a["DURATION"])
		s.parts = append(s.parts, p)
	}
	return err
}

func seconds(s string) (time.Duration, error) {
	f, err := strconv.ParseFloat(s, 64)
	return time.Duration(f*1e6+.5) * time.Microsecond, err
}

// attributes reads an attribute-list (4.2).
func attributes(s string) map[string]string {
	out := make(map[string]string)
	for s != "" {
		name, rest, _ := strings.Cut(s, "=")
		var value string
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			value, rest, _ = strings.Cut(quoted, `"`)
			rest = strings.TrimPrefix(rest, ",")
		} else {
			value, rest, _ = strings.Cut(rest, ",")
		}
		out[name] = value
		s = rest
	}
	return out
}

// last is the media sequence number of the last whole segment.
func (l *playlist) last() uint64 {
	return l.sequence + uint64(l.skipped+len(l.segments)) - 1
}

// find looks a listed part up, with its segment.
func (l *playlist) find(uri string) (segment, *part) {
	for _, s := range append(slices.Clip(l.segments), l.open) {
		for i := range s.parts {
			if s.parts[i].uri == uri {
				return s, &s.parts[i]
			}
		}
	}
	return segment{}, nil
}

// tail names the newest segment and part: versions with equal tails are one.
func (l *playlist) tail() string {
	uri := ""
	if n := len(l.segments); n > 0 {
		uri = l.segments[n-1].uri
	}
	return uri + " " + strconv.Itoa(len(l.open.parts))
}

// length is the duration of the whole segments.
func (l *playlist) length() (d time.Duration) {
	for _, s := range l.segments {
		d += s.duration
	}
	return d
}

// parseMultivariant lists the Media Playlists that a Multivariant Playlist names.
func parseMultivariant(text string) (uris []string, streams []map[string]string, err error) {
	if !strings.HasPrefix(text, "#EXTM3U\n") {
		return nil, nil, fmt.Errorf("%w: no EXTM3U", errPlaylist)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if v, ok := strings.CutPrefix(line, "#EXT-X-MEDIA:"); ok && attributes(v)["URI"] != "" {
			uris = append(uris, attributes(v)["URI"])
		}
		if v, ok := strings.CutPrefix(line, "#EXT-X-STREAM-INF:"); ok {
			streams = append(streams, attributes(v))
		}
		if line != "" && line[0] != '#' {
			uris = append(uris, line)
		}
	}
	return uris, streams, nil
}
