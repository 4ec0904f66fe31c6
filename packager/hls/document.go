package hls

import (
	"bytes"
	"compress/gzip"
	"slices"
	"sync"
)

// Document is a playlist's text. It is rendered once for all viewers.
type Document struct {
	Text []byte

	once sync.Once
	gzip []byte

	ends sync.Once
	uris []int // Where each URI ends. Set by ends.
}

// Gzip is the text compressed, made at the first call.
func (d *Document) Gzip() []byte {
	d.once.Do(func() {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // The level is a valid one.
		_, _ = w.Write(d.Text)                          // A bytes.Buffer takes everything.
		_ = w.Close()
		d.gzip = b.Bytes()
	})
	return d.gzip
}

// Query appends the text to b with a query added to each URI: for players that show in the URL
// what they may have, as a URI in a playlist does not take the playlist's query on. It
// is escaped already.
func (d *Document) Query(b []byte, query string) []byte {
	d.ends.Do(func() { d.uris = uriEnds(d.Text) })
	b = slices.Grow(b, len(d.Text)+len(d.uris)*(len(query)+1))
	at := 0
	for _, end := range d.uris {
		b = append(b, d.Text[at:end]...)
		b = append(append(b, '?'), query...)
		at = end
	}
	return append(b, d.Text[at:]...)
}

// uriEnds finds the URIs of a playlist, none of which has a query of its own: lines
// that are no tags, and URI attributes.
func uriEnds(text []byte) []int {
	var ends []int
	at := 0
	for line := range bytes.Lines(text) {
		content := bytes.TrimRight(line, "\r\n")
		if len(content) > 0 && content[0] != '#' {
			ends = append(ends, at+len(content))
		} else if end, ok := attributeEnd(content); ok {
			ends = append(ends, at+end)
		}
		at += len(line)
	}
	return ends
}

// attributeEnd finds the end of a tag's URI: not of one that stands in another quoted
// string, as names come from other people.
func attributeEnd(tag []byte) (int, bool) {
	const name = `URI="`
	quoted := false
	for i, c := range tag {
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted && i > 0 && (tag[i-1] == ':' || tag[i-1] == ',') && bytes.HasPrefix(tag[i:], []byte(name)):
			start := i + len(name)
			n := bytes.IndexByte(tag[start:], '"')
			return start + n, n >= 0
		}
	}
	return 0, false
}

// lazyDocument is rendered by the first who asks.
type lazyDocument struct {
	once sync.Once
	doc  *Document
}

func (l *lazyDocument) get(render func() []byte) *Document {
	l.once.Do(func() { l.doc = &Document{Text: render()} })
	return l.doc
}
