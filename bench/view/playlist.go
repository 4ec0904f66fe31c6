package view

import (
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"
	"sync"
	"time"
)

// playlist is what a client needs of a Media Playlist (draft-pantos-hls-rfc8216bis).
type playlist struct {
	target, partTarget time.Duration
	sequence           uint64
	skipped            uint64        // SKIPPED-SEGMENTS of a delta update: segments begins behind them.
	canSkip            time.Duration // CAN-SKIP-UNTIL; 0 where there are no delta updates.
	blocks             bool          // CAN-BLOCK-RELOAD
	hint               string
	ended              bool
	segments           []segment // The last may be open: without a URI.
}

type segment struct {
	uri      string
	duration time.Duration
	date     time.Time
	parts    []part
	gap      bool // EXT-X-GAP: it is not there, and not to be asked for.
}

type part struct {
	uri      string
	duration time.Duration
	from, n  int64 // BYTERANGE; n is 0 for all.
	gap      bool  // GAP, or that of its segment.
}

var errPlaylist = errors.New("no playlist")

// parsePlaylist reads a Media Playlist; tags that it does not know are let pass.
func parsePlaylist(text string) (*playlist, error) {
	if !strings.HasPrefix(text, "#EXTM3U") {
		return nil, fmt.Errorf("%w: no EXTM3U", errPlaylist)
	}
	p := &playlist{}
	var open segment
	var next int64 // Where a BYTERANGE without an offset begins.
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		tag, value, _ := strings.Cut(line, ":")
		var err error
		switch {
		case line == "":
		case line[0] != '#':
			open.uri = line
			p.segments = append(p.segments, open)
			open = segment{}
		case tag == "#EXTINF":
			open.duration, err = seconds(strings.TrimSuffix(firstOf(value, ","), ","))
		case tag == "#EXT-X-GAP":
			open.gap = true
		case tag == "#EXT-X-PROGRAM-DATE-TIME":
			open.date, err = parseDate(value)
		case tag == "#EXT-X-PART":
			var one part
			if one, next, err = parsePart(value, next); err == nil {
				open.parts = append(open.parts, one)
			}
		default:
			err = p.tag(tag, value)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errPlaylist, line, err)
		}
	}
	if len(open.parts) > 0 {
		p.segments = append(p.segments, open)
	}
	p.dates()
	return p, nil
}

func (p *playlist) tag(tag, value string) (err error) {
	switch tag {
	case "#EXT-X-TARGETDURATION":
		p.target, err = seconds(value)
	case "#EXT-X-MEDIA-SEQUENCE":
		p.sequence, err = strconv.ParseUint(value, 10, 63)
	case "#EXT-X-SERVER-CONTROL":
		p.blocks = attribute(value, "CAN-BLOCK-RELOAD") == "YES"
		if until := attribute(value, "CAN-SKIP-UNTIL"); until != "" {
			p.canSkip, err = seconds(until)
		}
	case "#EXT-X-SKIP":
		p.skipped, err = strconv.ParseUint(attribute(value, "SKIPPED-SEGMENTS"), 10, 31)
	case "#EXT-X-PART-INF":
		p.partTarget, err = seconds(attribute(value, "PART-TARGET"))
	case "#EXT-X-PRELOAD-HINT":
		if attribute(value, "TYPE") == "PART" && attribute(value, "BYTERANGE-START") == "" {
			p.hint = attribute(value, "URI")
		}
	case "#EXT-X-ENDLIST":
		p.ended = true
	}
	return err
}

func parsePart(value string, next int64) (p part, end int64, err error) {
	p.uri, p.gap = attribute(value, "URI"), attribute(value, "GAP") == "YES"
	if p.duration, err = seconds(attribute(value, "DURATION")); err != nil {
		return p, next, err
	}
	length, offset, given := strings.Cut(attribute(value, "BYTERANGE"), "@")
	if length == "" {
		return p, 0, nil
	}
	if p.n, err = strconv.ParseInt(length, 10, 48); err != nil || p.n < 1 {
		return p, next, errors.New("a byte range that is none")
	}
	p.from = next
	if given {
		p.from, err = strconv.ParseInt(offset, 10, 48)
	}
	return p, p.from + p.n, err
}

// dates gives every segment the date that follows from those before it.
func (p *playlist) dates() {
	for i := 1; i < len(p.segments); i++ {
		before := &p.segments[i-1]
		if s := &p.segments[i]; s.date.IsZero() && !before.date.IsZero() {
			s.date = before.date.Add(before.duration)
		}
	}
}

func seconds(s string) (time.Duration, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f < 1e6) {
		return 0, fmt.Errorf("%q is no duration", s)
	}
	return time.Duration(f*1e6+.5) * time.Microsecond, nil
}

// parseDate takes a zone with and without its colon, as servers write both.
func parseDate(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05.999999999Z0700", s)
	}
	return t, err
}

func firstOf(s, sep string) string {
	first, _, _ := strings.Cut(s, sep)
	return first
}

// attribute is a value of an attribute list (section 4.2), without its quotes.
func attribute(list, name string) string {
	for list != "" {
		key, rest, _ := strings.Cut(list, "=")
		var value string
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			value, rest, _ = strings.Cut(quoted, `"`)
			rest = strings.TrimPrefix(rest, ",")
		} else {
			value, rest, _ = strings.Cut(rest, ",")
		}
		if strings.TrimSpace(key) == name {
			return value
		}
		list = rest
	}
	return ""
}

// renditions picks what a player of a Multivariant Playlist plays: the variant of the
// highest bandwidth, and the audio that belongs to it.
func renditions(text string) (uris []string) {
	var best int64 = -1
	var variant, group, audio string
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		list, ok := strings.CutPrefix(strings.TrimSpace(line), "#EXT-X-STREAM-INF:")
		if !ok || i+1 == len(lines) {
			continue
		}
		if rate, err := strconv.ParseInt(attribute(list, "BANDWIDTH"), 10, 63); err == nil && rate > best {
			best, variant, group = rate, strings.TrimSpace(lines[i+1]), attribute(list, "AUDIO")
		}
	}
	for _, line := range lines {
		list, ok := strings.CutPrefix(strings.TrimSpace(line), "#EXT-X-MEDIA:")
		if !ok || group == "" || attribute(list, "GROUP-ID") != group || attribute(list, "URI") == "" {
			continue
		}
		if audio == "" || attribute(list, "DEFAULT") == "YES" {
			audio = attribute(list, "URI")
		}
	}
	for _, uri := range []string{variant, audio} {
		if uri != "" {
			uris = append(uris, uri)
		}
	}
	return uris
}

// texts keeps the playlists that were parsed last: a thousand viewers get the same one.
type texts struct {
	mu     sync.Mutex
	parsed map[uint64]*playlist // Guarded by mu. By the text's hash; read-only values.
}

func newTexts() *texts { return &texts{parsed: make(map[uint64]*playlist)} }

// maxTexts is more than the renditions that are live at one time.
const maxTexts = 256

func (t *texts) parse(text []byte) (*playlist, error) {
	hash := maphash.Bytes(seed, text)
	t.mu.Lock()
	p := t.parsed[hash]
	t.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := parsePlaylist(string(text))
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.parsed) >= maxTexts {
		clear(t.parsed)
	}
	t.parsed[hash] = p
	return p, nil
}
