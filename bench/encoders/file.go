package encoders

import (
	"context"
	"io"
	"time"
)

// Write plays a stream into w up to a time, without waiting.
func Write(ctx context.Context, w io.Writer, s *Stream, length time.Duration) error {
	for ctx.Err() == nil {
		event, err := s.Next()
		if err != nil {
			return err
		}
		if event.At >= length {
			return nil
		}
		if _, err := w.Write(event.Packets); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}
