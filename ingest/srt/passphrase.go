package srt

import "path"

// Stream says what holds for the streams whose name matches Path.
type Stream struct {
	// Path is a pattern of path.Match: "*" stays within one path element.
	Path string
	// Passphrase is empty for streams that come in clear.
	Passphrase string
}

// Passphrases says which passphrase a stream has. The zero value has none.
type Passphrases struct {
	// Default holds for what Streams does not list.
	Default string
	// Streams are tried in order; the first that matches counts.
	Streams []Stream
}

// lookup gives a stream's passphrase, empty when it has none; own tells that it is
// not that of all.
func (p Passphrases) lookup(name string) (passphrase string, own bool) {
	for _, s := range p.Streams {
		if ok, err := path.Match(s.Path, name); ok && err == nil {
			return s.Passphrase, true
		}
	}
	return p.Default, false
}
