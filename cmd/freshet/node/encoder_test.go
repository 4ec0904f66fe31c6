package node_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/relay"
)

// perGroup objects, one each beat, make a group.
const (
	perGroup = 10
	beat     = 100 * time.Millisecond
)

// sink publishes what an encoder sends, as the packager does: group IDs are the Unix
// time of the broadcast's start and rise by one, the track is there with its first
// object and outlives the encoder by the hold.
type sink struct {
	broadcast *relay.Broadcast
	epoch     uint64
	begins    time.Time // The first object.

	mu    sync.Mutex
	mute  bool         // Guarded by mu. It has no track.
	track *relay.Track // Guarded by mu.
	group *relay.Group // Guarded by mu.
	next  uint64       // Guarded by mu. The next group's ID.
}

func (m *machine) newSink(name string) (ingest.HeldSink, error) {
	b, err := m.Relay.Publish(relay.Namespace(name))
	if err != nil {
		return nil, err
	}
	owner, _ := m.Directory.Owner(name)
	now := time.Now()
	return &sink{broadcast: b, epoch: owner.Epoch, begins: now.Add(m.late), next: uint64(now.UnixMilli())}, nil
}

func (*sink) Begin(ingest.Request)            {}
func (*sink) End()                            {}
func (*sink) SetProgram(ingest.Program) error { return errors.New("objects only") }
func (*sink) Push(ingest.AccessUnit) error    { return errors.New("objects only") }
func (s *sink) Close(reason error)            { s.broadcast.Close(reason) }

// emit appends the next object.
func (s *sink) emit() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mute || time.Now().Before(s.begins) {
		return nil
	}
	if s.track == nil {
		if s.track, err = s.broadcast.NewTrack("video", relay.TrackConfig{Window: window, Priority: 2}); err != nil {
			return err
		}
	}
	if s.group == nil || s.group.Len() == perGroup {
		g, err := s.track.NewGroup(s.next)
		if err != nil {
			return err
		}
		s.group = g
		s.next++
	}
	at := relay.Location{Group: s.group.ID(), Object: s.group.Next()}
	return s.group.Append(relay.Object{Payload: payload(s.epoch, at), Complete: time.Now()})
}

// muted ends the track, or begins another under its name.
func (s *sink) muted(mute bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mute = mute; mute {
		s.track.Close(nil)
		s.track, s.group = nil, nil
	}
}

// payload is of several packets where a group begins.
func payload(epoch uint64, at relay.Location) []byte {
	text := fmt.Sprintf("%d %d/%d ", epoch, at.Group, at.Object)
	if at.Object == 0 {
		text += strings.Repeat(".", 6000)
	}
	return []byte(text)
}

// encoder publishes at a machine until it is stopped, or told to.
type encoder struct {
	at      *machine
	session *ingest.Session
	cancel  context.CancelFunc
	done    chan struct{}
}

// publish starts an encoder, unless it is refused.
func (m *machine) publish(name relay.Namespace) (*encoder, error) {
	ctx, cancel := context.WithCancel(context.Background())
	session, err := m.Sessions.Open(ctx, ingest.Request{
		Name: string(name), Protocol: "test", Remote: "an encoder", NewSink: m.newSink,
	})
	if err == nil {
		err = session.Begin(0)
	}
	if err != nil {
		cancel()
		return nil, err
	}
	e := &encoder{at: m, session: session, cancel: cancel, done: make(chan struct{})}
	m.w.encoders = append(m.w.encoders, e)
	go e.run(ctx)
	return e, nil
}

func (m *machine) mustPublish(name relay.Namespace) *encoder {
	m.w.tb.Helper()
	e, err := m.publish(name)
	if err != nil {
		m.w.tb.Fatal(err)
	}
	return e
}

func (e *encoder) run(ctx context.Context) {
	defer close(e.done)
	defer e.session.Close()
	out, ok := e.session.Sink().(*sink)
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for ok {
		e.session.Touch()
		if out.emit() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-e.session.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// stop takes the encoder away, as a cable that is pulled.
func (e *encoder) stop() {
	e.cancel()
	<-e.done
}

// ended tells whether the encoder was told to leave.
func (e *encoder) ended() error {
	select {
	case <-e.done:
		return e.session.Err()
	default:
		return nil
	}
}
