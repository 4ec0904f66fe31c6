package load

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
	"github.com/freshet-live/freshet/relay"
)

// Broadcast is the name of what Scene pushes.
const Broadcast relay.Namespace = "live/bench"

// Door is where the encoder of a Scene comes in.
type Door string

// The doors: SRT by ffmpeg, the others by `freshet push`.
const (
	SRT  Door = "srt"
	QUIC Door = "quic" // MPEG-TS over QUIC
	MoQ  Door = "moq"
)

// Doors are all of them.
func Doors() []Door { return []Door{SRT, QUIC, MoQ} }

// Scene is a gateway with one encoder.
type Scene struct {
	Gateway *rig.Gateway
	binary  string
	dir     string
	push    *rig.Process
}

// NewScene starts a gateway of the given binary with its files in dir; nothing is
// pushed yet.
func NewScene(ctx context.Context, binary, dir string) (*Scene, error) {
	gateway, err := rig.StartGateway(ctx, rig.GatewayConfig{Binary: binary, Dir: dir, Profiles: true, Publish: true, More: "quic:\n  publish: true\n"})
	if err != nil {
		return nil, err
	}
	return &Scene{Gateway: gateway, binary: binary, dir: dir}, nil
}

// Push starts the encoder, which loops a clip, at a door and with a niceness, and waits
// until the broadcast is there.
func (s *Scene) Push(ctx context.Context, clip string, door Door, nice int) error {
	push, err := s.replay(ctx, clip, door)
	if err != nil {
		return err
	}
	s.push = push
	if err := rig.Renice(push.PID(), nice); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		list, err := rig.Get(ctx, s.Gateway.HTTP("/v1/broadcasts"))
		if err == nil && strings.Contains(list, string(Broadcast)) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the broadcast does not start: %w\n%s", ctx.Err(), push.Output())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *Scene) replay(ctx context.Context, clip string, door Door) (*rig.Process, error) {
	if door == SRT {
		target := rig.Target{Gateway: s.Gateway, StreamID: "publish:" + string(Broadcast)}
		return rig.Replay(ctx, s.dir, target, clip, -1)
	}
	scheme := map[Door]string{QUIC: "quic://", MoQ: "moqt://"}[door]
	return rig.Command{
		Name: "push", Path: s.binary, Dir: s.dir,
		Args: []string{"push", "--insecure", "--loop", "--to", scheme + s.Gateway.QUIC() + "/" + string(Broadcast), clip},
	}.Start(ctx)
}

// Alive tells whether the encoder and the gateway still run.
func (s *Scene) Alive() error {
	select {
	case <-s.push.Done():
		return fmt.Errorf("the encoder ended: %w\n%s", s.push.Err(), s.push.Output())
	case <-s.Gateway.Done():
		return fmt.Errorf("the gateway ended: %w\n%s", s.Gateway.Err(), s.Gateway.Output())
	default:
		return nil
	}
}

// Close stops all.
func (s *Scene) Close() error {
	if s.push != nil {
		_ = s.push.Kill() // ended or not, it is gone
	}
	return s.Gateway.Stop(15 * time.Second)
}
