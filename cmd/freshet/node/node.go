package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/ingest"
	moqin "github.com/freshet-live/freshet/ingest/moq"
	"github.com/freshet-live/freshet/packager"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/cluster"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/uplink"
	"github.com/freshet-live/freshet/transport/swarm"
)

// Config configures a Node: what its parts cannot know of each other is set by New
// (Relay, Claim, Publishers, Self, Epoch, loggers and registries), the rest of
// their configurations is the caller's.
type Config struct {
	// Self is what other nodes know of this one. Its ID is required.
	Self cluster.Node
	// Store is the directory, shared by all nodes.
	Store    cluster.Store
	WhenDown cluster.Policy
	// Parents, if there are any, count instead of those in the directory.
	Parents []uplink.Parent
	// Load, if set, is asked how busy this node is: 0 is idle, 1 is full.
	Load func() float64
	// MaxBytes bounds the logs together, MaxGroupBytes a group (relay.Config); Window is
	// how far back each log reaches.
	MaxBytes      int64
	MaxGroupBytes int
	Window        time.Duration
	// Publish lets MoQ clients publish.
	Publish bool
	// StreamKey, if set, signs the video that is packaged here.
	StreamKey ed25519.PrivateKey
	Ingest    ingest.Config
	MoQ       moqt.Config
	Uplink    uplink.Config
	// Swarm, if set, offers viewers to help each other.
	Swarm *swarm.Config
	// Logger is required; Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Node is the parts of a node, wired. They are there for the caller to use.
type Node struct {
	// Set by New, then read-only.
	Relay     *relay.Relay
	Sessions  *ingest.Sessions
	MoQ       *moqt.Server
	Swarm     *swarm.Edge // nil without Config.Swarm.
	Uplink    *uplink.Manager
	Directory *cluster.Member

	cfg      Config
	around   surroundings
	draining atomic.Bool
}

// New makes a Node; nothing runs yet.
func New(cfg Config) (*Node, error) {
	n := &Node{cfg: cfg, Relay: relay.New(relay.Config{MaxBytes: cfg.MaxBytes, MaxGroupBytes: cfg.MaxGroupBytes})}
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(relay.NewCollector(n.Relay))
	}
	n.newSessions()
	if err := n.newSwarm(); err != nil {
		return nil, err
	}
	n.newMoQ()
	if err := errors.Join(n.newDirectory(), n.newUplink()); err != nil {
		return nil, err
	}
	return n, nil
}

func (n *Node) newSessions() {
	c := n.cfg.Ingest
	c.NewSink, c.Claim = n.newSink, n.claim
	c.Logger, c.Registerer = n.part("ingest"), n.cfg.Registerer
	n.Sessions = ingest.NewSessions(c)
}

// newSink starts a broadcast for its first publisher.
func (n *Node) newSink(name string) (ingest.HeldSink, error) {
	return packager.New(packager.Config{
		Relay: n.Relay, Namespace: relay.Namespace(name), Window: n.cfg.Window, StreamKey: n.cfg.StreamKey,
		Logger: n.part("packager"), Registerer: n.cfg.Registerer,
	})
}

// newSwarm makes the edge's part of the swarm, which lives in MoQ sessions.
func (n *Node) newSwarm() (err error) {
	if n.cfg.Swarm == nil {
		return nil
	}
	c := *n.cfg.Swarm
	c.Relay, c.Region = n.Relay, n.cfg.Self.Region
	c.Sent = func() int64 { return n.MoQ.Sent() }
	c.Logger, c.Registerer = n.part("swarm"), n.cfg.Registerer
	n.Swarm, err = swarm.New(c)
	return err
}

func (n *Node) newMoQ() {
	c := n.cfg.MoQ
	c.Relay = n.Relay
	if n.cfg.Publish {
		c.Publishers = moqin.New(moqin.Config{
			Relay: n.Relay, Sessions: n.Sessions, Window: n.cfg.Window, StreamKey: n.cfg.StreamKey,
			Logger: n.part("ingest"), Registerer: n.cfg.Registerer,
		})
	}
	if n.Swarm != nil {
		c.Extensions = append(c.Extensions, n.Swarm.Extension())
	}
	c.Final = final
	c.Logger, c.Registerer = n.part("moq"), n.cfg.Registerer
	n.MoQ = moqt.NewServer(c)
}

// newUplink makes the connections to parents, and the announcements to children.
func (n *Node) newUplink() (err error) {
	c := n.cfg.Uplink
	c.Self, c.Relay, c.Epoch, c.Window = n.cfg.Self.ID, n.Relay, n.epoch, n.cfg.Window
	c.Final = final
	c.Logger, c.Registerer = n.part("uplink"), n.cfg.Registerer
	if n.Uplink, err = uplink.New(c); err != nil {
		return err
	}
	n.Uplink.SetParents(n.cfg.Parents)
	return nil
}

// final tells whether a broadcast that ended with err does not go on elsewhere.
func final(err error) bool { return errors.Is(err, ingest.ErrHoldOver) }

func (n *Node) part(name string) *slog.Logger { return n.cfg.Logger.With("part", name) }

// Run is in the directory and connected to parents until ctx ends. Then the
// broadcasts of parents have ended; those that are published here end with Close.
func (n *Node) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	parts := map[string]func(context.Context) error{
		"directory": n.Directory.Run, "parents": n.follow, "load": n.tell, "uplink": n.Uplink.Run,
	}
	if n.Swarm != nil {
		parts["swarm"] = n.Swarm.Run
	}
	for name, part := range parts {
		group.Go(func() error {
			if err := part(ctx); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// Drain refuses new publishers, tells the other nodes, and asks MoQ viewers and
// children to leave, for uri unless it is empty, by ctx's deadline.
func (n *Node) Drain(ctx context.Context, uri string) {
	n.draining.Store(true)
	n.Sessions.Drain()
	n.Directory.Register(n.self())
	n.MoQ.Drain(ctx, uri)
}

// Draining tells whether Drain was called.
func (n *Node) Draining() bool { return n.draining.Load() }

// Close ends what is published here.
func (n *Node) Close() { n.Sessions.Close() }
