package view

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// prank is how a viewer over MoQ misbehaves; the zero value does not.
type prank int

const (
	_            prank = iota
	sayNonsense        // Streams of random bytes, for which a server ends the session.
	dropRequests       // Subscriptions that are given up at once, of tracks that are there and not.
	stopStreams        // STOP_SENDING on two of three streams.
)

var pranks = []prank{sayNonsense, dropRequests, stopStreams}

// prankEvery is the pace: enough to be a nuisance, not a flood.
const prankEvery = 200 * time.Millisecond

// wrap gives the connection that the viewer works with.
func (p prank) wrap(conn moqt.Conn) moqt.Conn {
	if p == stopStreams {
		return &stopper{Conn: conn}
	}
	return conn
}

// play goes on until the session ends.
func (p prank) play(ctx context.Context, s *session, conn moqt.Conn) {
	act := map[prank]func(context.Context, *session, moqt.Conn) error{sayNonsense: nonsense, dropRequests: dropOne}[p]
	if act == nil {
		return
	}
	s.tasks.Go(func() {
		for ctx.Err() == nil && s.client.Err() == nil {
			pause(ctx, prankEvery)
			limited, cancel := context.WithTimeout(ctx, time.Second)
			_ = act(limited, s, conn) // The server may defend itself.
			cancel()
		}
	})
}

// nonsense is a one-way and a two-way stream of anything.
func nonsense(ctx context.Context, _ *session, conn moqt.Conn) error {
	junk := make([]byte, 64)
	_, _ = rand.Read(junk) // It never fails.
	uni, err := conn.OpenUniStream(ctx)
	if err != nil {
		return err
	}
	_, err = uni.Write(junk)
	both, err2 := conn.OpenStream(ctx)
	if err2 != nil {
		return err2
	}
	_, err2 = both.Write(junk)
	return errors.Join(err, err2, uni.Close(), both.Close())
}

// dropOne subscribes again to a track, and to one that does not exist.
func dropOne(ctx context.Context, s *session, _ moqt.Conn) error {
	names := []string{"video", "audio", "no-such-track"}
	errs := make([]error, 0, len(names))
	for _, name := range names {
		sub, err := s.client.Subscribe(ctx, s.a.cfg.Namespace, name, moqt.SubscribeOptions{
			Filter: &wire.Filter{Type: wire.LargestObject}, OnObject: func(moqt.Object) {},
		})
		if err == nil {
			err = sub.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// stopper refuses streams once the session stands.
type stopper struct {
	moqt.Conn
	streams int // Owned by the session's accepting goroutine.
}

// AcceptUniStream gives the first streams, then one of three.
func (s *stopper) AcceptUniStream(ctx context.Context) (moqt.ReceiveStream, error) {
	for {
		st, err := s.Conn.AcceptUniStream(ctx)
		if err != nil {
			return nil, err
		}
		if s.streams++; s.streams <= 3 || s.streams%3 == 0 {
			return st, nil
		}
		st.CancelRead(0)
	}
}
