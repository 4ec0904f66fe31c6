package push

import (
	"context"
	"errors"
	"io"
	"os"
)

// openFile writes the stream to a file, which it empties.
func openFile(cfg OutputConfig, name string) (Output, error) {
	if name == "" {
		return nil, errors.New("file: has no name")
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	return toFile(cfg, f), nil
}

// toFile writes the stream as it comes. It runs once.
func toFile(cfg OutputConfig, w io.WriteCloser) Output {
	return func(ctx context.Context, q *Queue) error {
		cfg.Status.connected(func() Link { return Link{} })
		defer cfg.Status.disconnected()
		_, err := io.Copy(w, countingReader{q.Reader(ctx), cfg.Status})
		return errors.Join(err, w.Close())
	}
}

// nopCloser leaves standard output open.
type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
