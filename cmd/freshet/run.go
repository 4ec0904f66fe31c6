package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/transport/moqt"
)

// Run serves until ctx ends, then drains: no new work is taken, viewers are
// asked to leave, and by the deadline everything is closed. It returns when
// nothing of the gateway is left; nil after an orderly end.
func (g *gateway) Run(ctx context.Context) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	group, life := errgroup.WithContext(life)
	for name, part := range g.background() {
		group.Go(func() error { return finish(life, name, part(life)) })
	}
	serving, stop := context.WithCancel(life)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	group.Go(func() error {
		defer end() // The rest goes with the front.
		return finish(serving, "web", g.web.Run(serving))
	})
	group.Go(func() error {
		<-serving.Done()
		g.drain(life)
		return nil
	})
	err := group.Wait()
	g.node.Close()
	if g.places != nil {
		err = errors.Join(err, g.places.Close())
	}
	return err
}

// background are the parts that live until the drain is over: encoders are
// heard, playlists grow and metrics can be read meanwhile.
func (g *gateway) background() map[string]func(context.Context) error {
	parts := map[string]func(context.Context) error{
		"auth": g.guard.Run, "credentials": g.watchCredentials,
		"node": g.node.Run, "hls": g.hls.Run, "certificates": g.certs.Run,
	}
	if g.srt != nil {
		parts["srt"] = g.srt.Run
	}
	if g.rtsp != nil {
		parts["rtsp"] = g.rtsp.Run
	}
	if g.stun != nil {
		parts["stun"] = g.stun.Run
	}
	if g.ops != nil {
		parts["metrics"] = g.ops.Run
	}
	return parts
}

// finish names the part that failed. That its context has ended is no failure.
func finish(ctx context.Context, name string, err error) error {
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// drain is not ready any more, refuses new encoders and asks MoQ viewers to
// leave by the deadline.
func (g *gateway) drain(life context.Context) {
	ctx, cancel := context.WithTimeout(life, g.cfg.Drain.Deadline)
	defer cancel()
	g.node.Drain(ctx, g.cfg.Drain.URL)
	if g.quic != nil {
		g.quic.Close() // The front waits for these connections, too.
	}
}

// serveMoQ answers one MoQ connection. ctx ends when the front drains, but the
// session goes on: GOAWAY and the deadline are the MoQ server's.
func (g *gateway) serveMoQ(ctx context.Context, conn moqt.Conn) {
	log := g.log.With("part", "moq", "remote", conn.RemoteAddr().String(), "protocol", conn.Protocol())
	log.Debug("moq session opened")
	if err := g.node.MoQ.Serve(context.WithoutCancel(ctx), conn); err != nil {
		log.Info("moq session ended", "error", err)
		return
	}
	log.Debug("moq session ended")
}
