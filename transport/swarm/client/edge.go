package client

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
)

// maxUnsent bounds the messages that wait to be written to the edge. One that takes
// none for so long has ended the swarm.
const maxUnsent = 512

// edgeStream is the viewer's stream of the swarm at its edge: one goroutine reads
// it, one writes, and the owner waits for neither.
type edgeStream struct {
	st     moqt.Stream
	cancel context.CancelFunc
	wake   chan struct{} // One slot.

	mu     sync.Mutex
	unsent [][]byte // Guarded by mu.
	ending bool     // Guarded by mu. FIN after what is unsent.
}

// join opens the stream and says hello.
func (m *machine) join(ctx context.Context) error {
	st, err := m.client.OpenExtension(ctx, wire.StreamType)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoSwarm, err)
	}
	life, cancel := context.WithCancel(m.life)
	e := &edgeStream{st: st, cancel: cancel, wake: make(chan struct{}, 1)}
	m.edge = e
	m.tasks.Go(func() {
		err := m.readEdge(life, e)
		cancel()
		_ = m.post(func(m *machine) { m.edgeEnded(e, err) }) // Else the viewer has ended.
	})
	m.tasks.Go(func() { e.write(life) })
	m.tell(m.hello())
	return nil
}

func (m *machine) hello() *wire.Hello {
	s := m.v.cfg.Situation
	h := &wire.Hello{
		Version: wire.Version, Namespace: string(m.v.cfg.Namespace), Track: m.track,
		Consent: s.Consent, Net: s.Net, SaveData: s.SaveData, LowBattery: s.LowBattery, Hidden: s.Hidden,
		Mobile: s.Mobile, LAN: s.LAN, Cap: wire.Count(s.Cap), Uplink: wire.Count(m.v.cfg.Peers.Uplink()), Agent: "native",
	}
	if s.Consent == swarm.ConsentGranted {
		h.Fingerprint = m.v.cfg.Peers.Fingerprint()
	}
	return h
}

// tell says something to the edge, if there is a swarm.
func (m *machine) tell(msg wire.Message) {
	if m.edge == nil {
		return
	}
	b, err := wire.AppendMessage(nil, msg)
	if err != nil {
		m.v.cfg.Logger.Warn("message to the edge", "kind", msg.Kind(), "error", err)
		return
	}
	if !m.edge.add(b) {
		m.edge.cancel()
	}
}

func (e *edgeStream) add(b []byte) bool {
	e.mu.Lock()
	full := len(e.unsent) >= maxUnsent
	if !full {
		e.unsent = append(e.unsent, b)
	}
	e.mu.Unlock()
	e.signal()
	return !full
}

func (e *edgeStream) signal() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// close ends the stream behind what is unsent.
func (e *edgeStream) close() {
	e.mu.Lock()
	e.ending = true
	e.mu.Unlock()
	e.signal()
}

func (e *edgeStream) take() (all [][]byte, ending bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	all = e.unsent
	e.unsent = nil
	return all, e.ending
}

// write owns the sending side.
func (e *edgeStream) write(ctx context.Context) {
	// A Write that waits for the edge ends with ctx.
	defer context.AfterFunc(ctx, func() { e.st.CancelWrite(0) })()
	for {
		all, ending := e.take()
		for _, b := range all {
			if _, err := e.st.Write(b); err != nil {
				e.cancel()
				return
			}
		}
		if ending {
			_ = e.st.Close()
			return
		}
		select {
		case <-e.wake:
		case <-ctx.Done():
			return
		}
	}
}

// readEdge reads what the edge says, until the stream ends.
func (m *machine) readEdge(ctx context.Context, e *edgeStream) error {
	defer context.AfterFunc(ctx, func() { e.st.CancelRead(0) })()
	frames := wire.NewFrames(e.st)
	for {
		b, err := frames.Next()
		if err != nil {
			return err
		}
		msg, err := wire.ParseEdge(b)
		if err != nil {
			return err
		}
		if msg == nil {
			continue
		}
		at := time.Now()
		if err := m.post(func(m *machine) { m.edgeSaid(e, at, msg) }); err != nil {
			return err
		}
	}
}

// edgeSaid takes a message of the edge.
func (m *machine) edgeSaid(e *edgeStream, at time.Time, msg wire.Message) {
	if m.edge != e {
		return
	}
	if w, ok := msg.(*wire.Welcome); ok {
		m.welcomed(at, w)
		return
	}
	if m.welcome == nil {
		return
	}
	switch msg := msg.(type) {
	case *wire.Mode:
		m.step(at, swarm.Event{Kind: swarm.EventMode, Mode: msg.Mode, Reason: msg.Reason})
	case *wire.Candidates:
		m.known(at, msg)
	case *wire.Assign:
		m.step(at, swarm.Event{Kind: swarm.EventAssign, Sub: msg.Sub, Peer: msg.Peer, Child: msg.Child})
	case *wire.Signal:
		m.signalled(msg)
	case *wire.Slots:
		m.step(at, swarm.Event{Kind: swarm.EventSlots, Count: msg.Slots})
	case *wire.Delay:
		m.setDelay(at, time.Duration(msg.Delay))
	case *wire.Drop:
		m.step(at, swarm.Event{Kind: swarm.EventDrop, Peer: msg.Peer, Reason: msg.Reason, Delay: time.Duration(msg.Ban)})
	case *wire.Pong:
		if rtt, ok := m.pings.answered(at, msg.ID); ok {
			m.step(at, swarm.Event{Kind: swarm.EventRTT, Peer: swarm.Edge, RTT: rtt})
		}
	case *wire.Error:
		m.v.cfg.Logger.Info("the swarm ends for this viewer", "reason", msg.Reason)
		m.edge.cancel()
	}
}

// welcomed begins the viewer's part.
func (m *machine) welcomed(at time.Time, w *wire.Welcome) {
	if m.welcome != nil {
		return
	}
	m.welcome = w
	params := w.Params.Policy()
	m.v.count(func(s *Stats) { s.Self = w.Peer })
	m.setDelay(at, params.Delay)
	m.step(at, swarm.Event{Kind: swarm.EventWelcome, Self: w.Peer, Mode: w.Mode, Reason: w.Reason, Params: &params})
}

// setDelay takes a new T.
func (m *machine) setDelay(at time.Time, d time.Duration) {
	m.verifier.SetDelay(d)
	p := &m.playout
	p.target += d - p.delay
	p.delay = d
	if !p.playing {
		p.offset = p.target
	}
	m.step(at, swarm.Event{Kind: swarm.EventDelay, Delay: d})
	if p.changed() {
		m.tellPlayout(at)
	}
}

// edgeEnded goes on without a swarm: the session brings the track as it brings
// others.
func (m *machine) edgeEnded(e *edgeStream, err error) {
	if m.edge != e {
		return
	}
	m.v.cfg.Logger.Info("no swarm any more", "error", err)
	now := time.Now()
	m.edge.close()
	m.edge = nil
	m.step(now, swarm.Event{Kind: swarm.EventMode, Mode: swarm.ModeEdge, Reason: "unsupported"})
	m.welcome = nil
	for peer := range m.links {
		m.disconnect(peer)
	}
	m.watchAlone()
}
