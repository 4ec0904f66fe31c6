package moqt

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// FetchOptions say how a fetch is delivered.
type FetchOptions struct {
	Priority   *uint8
	Descending bool
}

// Fetch delivers objects of the past.
type Fetch struct {
	call       *call
	descending bool
	queue      chan Object
	end        relay.Location

	begun chan struct{} // Closed when its stream has come.
	left  chan struct{} // Closed by Close.
	done  chan struct{} // Closed when all was handed out, or the fetch failed.
	once  sync.Once
	err   error // Set before done is closed.

	lost     chan struct{} // Closed when a stream was lost that may be this one's.
	lostOnce sync.Once
}

// Fetch asks for the objects from start up to end, which is exclusive in Object,
// with zero for the whole of end.Group.
func (c *Client) Fetch(ctx context.Context, ns relay.Namespace, track string, start, end relay.Location, o FetchOptions) (*Fetch, error) {
	return c.s.fetch(ctx, o, &wire.Fetch{
		Type: wire.StandaloneFetch, Track: trackName(ns, track), Start: start, End: end,
	})
}

// JoinRelative asks for what went before a subscription, from the start of the
// group that is so many groups back; zero is the group it began in.
func (c *Client) JoinRelative(ctx context.Context, sub *Subscription, groups uint64, o FetchOptions) (*Fetch, error) {
	return c.s.fetch(ctx, o, &wire.Fetch{
		Type: wire.RelativeJoiningFetch, JoiningID: sub.call.id, JoiningStart: groups,
	})
}

// JoinAbsolute asks for what went before a subscription, from the start of a
// group.
func (c *Client) JoinAbsolute(ctx context.Context, sub *Subscription, group uint64, o FetchOptions) (*Fetch, error) {
	return c.s.fetch(ctx, o, &wire.Fetch{
		Type: wire.AbsoluteJoiningFetch, JoiningID: sub.call.id, JoiningStart: group,
	})
}

func (s *session) fetch(ctx context.Context, o FetchOptions, m *wire.Fetch) (*Fetch, error) {
	m.Params.SubscriberPriority = o.Priority
	if o.Descending {
		m.Params.GroupOrder = new(wire.Descending)
	}
	cl, err := s.call(ctx, m)
	if err != nil {
		return nil, err
	}
	f := &Fetch{
		call: cl, descending: o.Descending, queue: make(chan Object),
		begun: make(chan struct{}), left: make(chan struct{}), done: make(chan struct{}), lost: make(chan struct{}),
	}
	// The data may come before the answer.
	s.outgoing.expect(f)
	answer, err := cl.await(ctx)
	if err != nil {
		f.finish(err)
		return nil, err
	}
	ok, is := answer.(*wire.FetchOK)
	if !is {
		return nil, s.unexpected(answer)
	}
	f.end = ok.End
	s.outgoing.forget(cl)
	s.begin(f.watch)
	return f, nil
}

func (o *outgoing) expect(f *Fetch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fetches[f.call.id] = f
	o.wakeLocked()
}

// End is the end of the range that the publisher agreed to.
func (f *Fetch) End() relay.Location { return f.end }

// Next waits for the next object; io.EOF is the end of the response.
func (f *Fetch) Next(ctx context.Context) (Object, error) {
	for {
		o, err := f.next(ctx)
		if err != nil || !o.unknown {
			return o, err
		}
	}
}

// next gives the marks of unknown ranges, too.
func (f *Fetch) next(ctx context.Context) (Object, error) {
	select {
	case o := <-f.queue:
		return o, nil
	case <-f.done:
		return Object{}, f.err
	case <-ctx.Done():
		return Object{}, context.Cause(ctx)
	case <-f.call.s.ctx.Done():
		return Object{}, context.Cause(f.call.s.ctx)
	}
}

// Close gives the fetch up, if it has not ended.
func (f *Fetch) Close() error {
	var err error
	if f.call.st == nil {
		err = f.call.w.write(&wire.FetchCancel{RequestID: f.call.id})
	}
	f.finish(ErrSessionClosed)
	return err
}

func (f *Fetch) finish(err error) {
	f.once.Do(func() {
		f.err = err
		close(f.done)
		if errors.Is(err, io.EOF) {
			// The answer may still be under way on the request's stream.
			f.call.closeSend()
		} else {
			close(f.left)
			f.call.cancel()
		}
		o := &f.call.s.outgoing
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.fetches, f.call.id)
	})
}

// fetchStream reads a fetch stream.
func (o *outgoing) fetchStream(r *wire.StreamReader) error {
	id, err := r.Varint()
	if err != nil {
		o.streamLost()
		return err
	}
	if !o.asked() {
		return errUnasked
	}
	ctx, cancel := context.WithTimeout(o.s.ctx, reorderWait)
	defer cancel()
	f, err := o.awaitFetch(ctx, id)
	if err != nil {
		return err
	}
	close(f.begun)
	err = f.read(wire.NewFetchReader(r, f.descending), r)
	f.finish(err)
	return err
}

// awaitFetch finds the fetch whose stream has come; a second one finds none.
func (o *outgoing) awaitFetch(ctx context.Context, id uint64) (f *Fetch, err error) {
	err = o.await(ctx, func() bool {
		f = o.fetches[id]
		delete(o.fetches, id)
		return f != nil
	})
	return f, err
}

func (f *Fetch) read(objects *wire.FetchReader, r io.Reader) error {
	for {
		h, err := objects.Next()
		if err != nil {
			return err
		}
		if h.EndOfRange && !h.Unknown {
			continue
		}
		o := Object{Location: h.Location, unknown: true}
		if !h.EndOfRange {
			if o, err = readObject(h, r, nil); err != nil {
				return err
			}
		}
		select {
		case f.queue <- o:
		case <-f.left:
			return ErrSessionClosed
		case <-f.call.s.ctx.Done():
			return context.Cause(f.call.s.ctx)
		}
	}
}
