package auth

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// maxFile bounds what is read of a file or a URL: 32 keys are 30 KB.
const maxFile = 256 << 10

// watched is a file whose content is taken over when it changes.
type watched struct {
	path  string
	apply func(text []byte) error

	seen   []byte // What the last look found.
	judged []byte // What was taken or refused last.
}

// load takes the content. What cannot be used is an error here, where a person
// waits for it; later it is only refused.
func (w *watched) load() error {
	text, err := readFile(w.path)
	if err != nil {
		return err
	}
	if err := w.apply(text); err != nil {
		return fmt.Errorf("%s: %w", w.path, err)
	}
	w.seen, w.judged = text, text
	return nil
}

// look takes changed content once it was the same on two looks, so that a file is not
// judged while it is being written. changed tells whether something was judged.
func (w *watched) look() (changed bool, err error) {
	text, err := readFile(w.path)
	settled := bytes.Equal(text, w.seen)
	w.seen = text
	if !settled || bytes.Equal(text, w.judged) {
		return false, nil
	}
	w.judged = text
	if err == nil {
		err = w.apply(text)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", w.path, err)
	}
	return true, err
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	return text, err
}
