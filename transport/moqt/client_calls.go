package moqt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// maxReplies bounds the answers to one request that wait for their reader.
const maxReplies = 64

// call is a request of ours. Its answers come on its own stream or, in draft
// 16, on the control stream by Request ID.
type call struct {
	s  *session
	id uint64
	w  *messageWriter
	st Stream // Nil when the control stream carries the request.
	// replies are closed when no more can come; err then says why.
	replies chan wire.Message

	mu     sync.Mutex
	closed bool  // Guarded by mu.
	err    error // Guarded by mu.
}

// outgoing holds our requests and what they deliver.
type outgoing struct {
	s *session

	datagrams sync.Once // The first subscription has them received: a viewer sends none.

	mu      sync.Mutex
	next    uint64                   // Guarded by mu. The next Request ID.
	max     uint64                   // Guarded by mu. Exclusive limit of draft 16.
	calls   map[uint64]*call         // Guarded by mu. Those answered on the control stream.
	aliases map[uint64]*Subscription // Guarded by mu. By Track Alias.
	fetches map[uint64]*Fetch        // Guarded by mu. By Request ID.
	changed chan struct{}            // Guarded by mu. Closed and replaced at a change.
}

func (o *outgoing) init(s *session) {
	o.s = s
	o.calls = make(map[uint64]*call)
	o.aliases = make(map[uint64]*Subscription)
	o.fetches = make(map[uint64]*Fetch)
	o.changed = make(chan struct{})
	o.next = o.parity()
	o.max = 1<<64 - 1
	if s.d.Control == wire.OneBidi {
		o.max = 0
	}
}

// parity is that of our Request IDs: a client's are even.
func (o *outgoing) parity() uint64 {
	if o.s.role == roleClient {
		return 0
	}
	return 1
}

// raise takes the peer's limit of Request IDs; false when it does not rise.
func (o *outgoing) raise(limit uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if limit <= o.max {
		return false
	}
	o.max = limit
	o.wakeLocked()
	return true
}

// errUnasked: the peer sends media although nothing was asked of it.
var errUnasked = errors.New("stream for a request that was not made")

// asked tells whether any request was made, or the peer may send unasked.
func (o *outgoing) asked() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.next != o.parity() || o.s.publishers != nil
}

func (o *outgoing) wakeLocked() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// takeID gives the next Request ID, when the peer allows one.
func (o *outgoing) takeID(ctx context.Context) (uint64, error) {
	var id uint64
	err := o.await(ctx, func() bool {
		if o.next >= o.max {
			return false
		}
		id = o.next
		o.next += 2
		return true
	})
	return id, err
}

// await waits until ready, called under the lock, says true.
func (o *outgoing) await(ctx context.Context, ready func() bool) error {
	for {
		o.mu.Lock()
		ok, changed := ready(), o.changed
		o.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-o.s.ctx.Done():
			return context.Cause(o.s.ctx)
		}
	}
}

// call sends a request, whose Request ID it sets.
func (s *session) call(ctx context.Context, m wire.Message) (*call, error) {
	if s.peerIsLeaving() {
		return nil, ErrGoingAway
	}
	id, err := s.outgoing.takeID(ctx)
	if err != nil {
		return nil, err
	}
	setRequestID(m, id)
	c := &call{s: s, id: id, w: s.control, replies: make(chan wire.Message, maxReplies)}
	if s.d.Control == wire.TwoUni || m.Kind() == wire.KindSubscribeNamespace {
		if c.st, err = s.conn.OpenStream(ctx); err != nil {
			return nil, fmt.Errorf("open request stream: %w", err)
		}
		c.w = newMessageWriter(s.d, c.st)
	}
	s.outgoing.add(c)
	if err := c.w.write(m); err != nil {
		c.cancel()
		return nil, err
	}
	if c.st != nil {
		s.begin(c.read)
	}
	return c, nil
}

func setRequestID(m wire.Message, id uint64) {
	switch m := m.(type) {
	case *wire.Subscribe:
		m.RequestID = id
	case *wire.Fetch:
		m.RequestID = id
	case *wire.TrackStatus:
		m.RequestID = id
	case *wire.SubscribeNamespace:
		m.RequestID = id
	case *wire.RequestUpdate:
		m.RequestID = id
	case *wire.Publish:
		// Unique in the session, so it serves as Track Alias, too.
		m.RequestID, m.TrackAlias = id, id
	case *wire.PublishNamespace:
		m.RequestID = id
	case *wire.SubscribeTracks:
		m.RequestID = id
	}
}

func (o *outgoing) add(c *call) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls[c.id] = c
}

func (o *outgoing) forget(c *call) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.calls, c.id)
}

// read takes the answers from the request's own stream.
func (c *call) read() {
	r := c.s.d.NewStreamReader(c.st)
	for {
		m, err := r.Message()
		if err != nil {
			if e, ok := errors.AsType[*wire.Error](err); ok {
				c.s.fail(e)
			}
			c.end(err)
			return
		}
		if !c.deliver(m) {
			c.end(errors.New("too many answers to one request"))
			return
		}
	}
}

// answer hands an answer on the control stream to its request. One that was
// given up is no fault of the peer.
func (o *outgoing) answer(m wire.Message) error {
	id, ok := answeredID(m)
	if !ok {
		return wire.Violation("unexpected %s", m.Kind())
	}
	o.mu.Lock()
	c := o.calls[id]
	known := id < o.next && id%2 == o.parity()
	o.mu.Unlock()
	if !known {
		return wire.Violation("%s for a request that was not made", m.Kind())
	}
	if c != nil && !c.deliver(m) {
		return wire.Violation("too many answers to one request")
	}
	return nil
}

func answeredID(m wire.Message) (uint64, bool) {
	switch m := m.(type) {
	case *wire.RequestOK:
		return m.RequestID, true
	case *wire.RequestError:
		return m.RequestID, true
	case *wire.SubscribeOK:
		return m.RequestID, true
	case *wire.FetchOK:
		return m.RequestID, true
	case *wire.PublishOK:
		return m.RequestID, true
	case *wire.PublishDone:
		return m.RequestID, true
	}
	return 0, false
}

func (c *call) deliver(m wire.Message) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return true
	}
	select {
	case c.replies <- m:
		return true
	default:
		return false
	}
}

// end closes the answers.
func (c *call) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed, c.err = true, err
		close(c.replies)
	}
}

// await gives the next answer; a refusal is a RequestError.
func (c *call) await(ctx context.Context) (wire.Message, error) {
	m, err := c.next(ctx)
	if e, ok := m.(*wire.RequestError); ok {
		return nil, refusal(e)
	}
	return m, err
}

// next gives the next answer, whatever it says.
func (c *call) next(ctx context.Context) (wire.Message, error) {
	select {
	case m, ok := <-c.replies:
		if !ok {
			return nil, c.reason()
		}
		return m, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.s.ctx.Done():
		return nil, context.Cause(c.s.ctx)
	}
}

func (c *call) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(c.err, io.EOF) {
		return fmt.Errorf("request ended by the peer: %w", io.EOF)
	}
	return c.err
}

func refusal(e *wire.RequestError) *RequestError {
	return &RequestError{
		Code:       e.Code,
		Reason:     e.Reason,
		RetryAfter: time.Duration(int64(e.RetryAfter)-1) * time.Millisecond,
	}
}

// cancel gives the request up. In draft 16 the caller sends the message that
// tells the peer.
func (c *call) cancel() {
	c.s.outgoing.forget(c)
	c.end(ErrSessionClosed)
	if c.st != nil {
		c.s.abort(c.st, wire.ResetCancelled)
	}
}

// closeSend says that nothing more will be asked on the request's own stream.
func (c *call) closeSend() {
	if c.st != nil {
		_ = c.st.Close()
	}
}
