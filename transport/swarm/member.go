package swarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/relay"
	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
)

const (
	// helloWithin is how long a viewer may take to say hello.
	helloWithin = 5 * time.Second
	// messageRate is how many messages a second are read, with bursts of
	// messageBurst; more wait in the stream.
	messageRate  = 100
	messageBurst = 200
	// outboxSize bounds the messages that wait for a viewer to take them; one that
	// takes none for so long leaves the swarm.
	outboxSize = 512
	// writeWithin bounds the write of a message.
	writeWithin = 10 * time.Second
	// farewellWithin bounds what is written to a viewer that is sent away.
	farewellWithin = time.Second
)

// member is a viewer in a swarm.
type member struct {
	// Set by serve and the desk before the member is known to others, then read-only.
	edge   *Edge
	room   *room
	peer   *moqt.ExtensionPeer
	st     moqt.Stream
	log    *slog.Logger
	number uint64 // Of the stream, in the session.
	subs   int    // K.
	id     policy.PeerID
	hello  wire.Hello
	lan    bool
	agent  string
	class  string // Of its network, for metrics.

	cancel context.CancelCauseFunc
	out    chan []byte
	feeder *feeder
	hedges *hedges
	tasks  sync.WaitGroup // Hedges.
	totals totals

	// Owned by the goroutine that reads.
	profile policy.Profile
	signals signalLimits

	// Owned by the desk.
	standing standing
}

// totals are the bytes that the edge sent to a member.
type totals struct{ fed, hedged atomic.Int64 }

// serve is a viewer's stay in a swarm: one stream of the extension.
func (e *Edge) serve(ctx context.Context, p *moqt.ExtensionPeer, st moqt.Stream) {
	ctx, cancel := context.WithCancelCause(ctx)
	m := &member{
		edge: e, peer: p, st: st, number: p.Number(), subs: e.cfg.Policy.Params.Subs,
		log: p.Logger(), cancel: cancel, out: make(chan []byte, outboxSize),
	}
	defer cancel(nil)
	var writer sync.WaitGroup
	writer.Go(func() { m.write(ctx) })
	err := m.stay(ctx)
	if errors.Is(err, wire.ErrInvalid) {
		m.edge.metrics.faults.Inc()
		p.Fail(err.Error())
	}
	cancel(err)
	writer.Wait()
	m.tasks.Wait()
	m.log.Debug("viewer left the swarm", "err", err)
}

// stay reads the hello and what follows.
func (m *member) stay(ctx context.Context) error {
	frames := wire.NewFrames(m.st)
	_ = m.st.SetReadDeadline(time.Now().Add(helloWithin))
	hello, err := m.readHello(frames)
	if err != nil {
		return err
	}
	_ = m.st.SetReadDeadline(time.Time{})
	expires, err := m.introduce(ctx, hello)
	if err != nil {
		m.post(&wire.Error{Reason: policy.Reason(reasonOf(err))})
		return err
	}
	if !expires.IsZero() {
		timer := time.AfterFunc(time.Until(expires), func() { m.expel("unauthorized") })
		defer timer.Stop()
	}
	m.feeder, m.hedges = newFeeder(m, m.room.track), newHedges(m)
	if !m.join(ctx) {
		m.post(&wire.Error{Reason: "closed"})
		return errClosed
	}
	defer m.room.do(context.WithoutCancel(ctx), func(d *desk) { d.leave(m) })
	feeding, stop := context.WithCancel(ctx)
	var feeder sync.WaitGroup
	feeder.Go(func() { m.feeder.run(feeding) })
	defer feeder.Wait()
	defer stop()
	// A stream that nobody reads from any more says nothing: the context does.
	unblock := context.AfterFunc(ctx, func() { _ = m.st.SetReadDeadline(time.Unix(1, 0)) })
	defer unblock()
	return m.read(feeding, frames)
}

// errHello: the first message was another.
var errHello = fmt.Errorf("%w: the first message is not hello", wire.ErrInvalid)

func (m *member) readHello(frames *wire.Frames) (*wire.Hello, error) {
	b, err := frames.Next()
	if err != nil {
		return nil, err
	}
	msg, err := wire.ParseViewer(b)
	if err != nil {
		return nil, err
	}
	hello, ok := msg.(*wire.Hello)
	if !ok {
		return nil, errHello
	}
	return hello, nil
}

// errUnauthorized: the viewer may not watch this.
var errUnauthorized = errors.New("unauthorized")

// introduce finds the viewer's room, and who it is.
func (m *member) introduce(ctx context.Context, hello *wire.Hello) (expires time.Time, err error) {
	m.hello, m.agent = *hello, hello.Agent
	ns := relay.Namespace(hello.Namespace)
	grant, err := m.peer.Authorize(ctx, moqt.ActionSubscribe, ns)
	if err != nil {
		return time.Time{}, errUnauthorized
	}
	m.lan = m.edge.cfg.Policy.LAN && hello.LAN
	m.profile = m.edge.profile(m.peer, hello)
	m.class = m.edge.classOf(&m.profile)
	m.room, err = m.edge.enter(ctx, roomKey{ns, hello.Track})
	return grant.Expires, err
}

// reasonOf is the word for an error that a viewer is told.
func reasonOf(err error) string {
	for _, known := range []error{errClosed, errAbsent, errEnded, errSlow, errUnauthorized} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return errClosed.Error()
}

// join takes a seat; a room that was just left by the last is entered anew.
func (m *member) join(ctx context.Context) bool {
	for range 2 {
		joined := make(chan struct{})
		if m.room.do(ctx, func(d *desk) { d.join(m); close(joined) }) {
			<-joined
			return true
		}
		r, err := m.edge.enter(ctx, m.room.key)
		if err != nil {
			return false
		}
		m.room = r
		m.feeder = newFeeder(m, r.track)
	}
	return false
}

// read takes the viewer's messages until it leaves.
func (m *member) read(ctx context.Context, frames *wire.Frames) error {
	pace := bucket{rate: messageRate, burst: messageBurst}
	for {
		b, err := frames.Next()
		switch {
		case errors.Is(err, wire.ErrInvalid):
			return err
		case err != nil:
			return context.Cause(ctx) // It has left, or is sent away.
		}
		if wait := pace.wait(time.Now(), 1); wait > 0 && !sleep(ctx, wait) {
			return context.Cause(ctx)
		}
		msg, err := wire.ParseViewer(b)
		if err != nil {
			return err
		}
		if msg == nil {
			continue
		}
		m.edge.metrics.messages.WithLabelValues("in").Inc()
		if _, leaves := msg.(*wire.Leave); leaves {
			return nil
		}
		if err := m.take(ctx, msg); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// post puts a message into the outbox, from whatever goroutine.
func (m *member) post(msg wire.Message) {
	b, err := wire.AppendMessage(nil, msg)
	if err != nil {
		m.log.Error("swarm message cannot be written", "kind", msg.Kind(), "err", err)
		return
	}
	select {
	case m.out <- b:
		m.edge.metrics.messages.WithLabelValues("out").Inc()
	default:
		m.cancel(errSlow)
	}
}

// expel tells a viewer why it is in the swarm no more.
func (m *member) expel(reason policy.Reason) {
	m.post(&wire.Error{Reason: reason})
	m.cancel(errEnded)
}

// write sends what is in the outbox; at the end what is left there, and FIN.
func (m *member) write(ctx context.Context) {
	for {
		select {
		case b := <-m.out:
			_ = m.st.SetWriteDeadline(time.Now().Add(writeWithin))
			if _, err := m.st.Write(b); err != nil {
				m.cancel(err)
				m.st.CancelWrite(0)
				return
			}
		case <-ctx.Done():
			m.farewell()
			return
		}
	}
}

func (m *member) farewell() {
	_ = m.st.SetWriteDeadline(time.Now().Add(farewellWithin))
	for {
		select {
		case b := <-m.out:
			if _, err := m.st.Write(b); err != nil {
				m.st.CancelWrite(0)
				return
			}
		default:
			_ = m.st.Close()
			return
		}
	}
}

// addressOf gives the IP address of a peer, if it has one.
func addressOf(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
