package hls

import (
	"bytes"
	"compress/gzip"
	"sync"
)

// Document is a playlist's text. It is rendered once for all viewers.
type Document struct {
	Text []byte

	once sync.Once
	gzip []byte
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

// lazyDocument is rendered by the first who asks.
type lazyDocument struct {
	once sync.Once
	doc  *Document
}

func (l *lazyDocument) get(render func() []byte) *Document {
	l.once.Do(func() { l.doc = &Document{Text: render()} })
	return l.doc
}
