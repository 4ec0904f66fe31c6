package push

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
)

// Run sends the source's stream until it ends, and with it all that was queued, or
// until the output gives up.
func Run(ctx context.Context, source Source, output Output, q *Queue, s *Status) error {
	group, ctx := errgroup.WithContext(ctx)
	reading, stop := context.WithCancelCause(ctx)
	group.Go(func() error {
		defer q.End()
		err := source(reading, func(packets []byte) {
			s.in.Add(uint64(len(packets)))
			q.Put(packets)
		})
		if errors.Is(err, errOutput) {
			return nil
		}
		return err
	})
	group.Go(func() error {
		defer stop(errOutput)
		return output(ctx, q)
	})
	return group.Wait()
}

// errOutput ends a source that nobody listens to.
var errOutput = errors.New("output has ended")
