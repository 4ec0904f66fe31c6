package node

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/cluster"
)

// newDirectory makes this node a member of its cluster.
func (n *Node) newDirectory() (err error) {
	n.Directory, err = cluster.New(cluster.Config{
		Store: n.cfg.Store, Node: n.cfg.Self, WhenDown: n.cfg.WhenDown,
		Logger: n.part("cluster"), Registerer: n.cfg.Registerer,
	})
	return err
}

// claim makes this node the owner of a name that somebody wants to publish.
func (n *Node) claim(ctx context.Context, r ingest.Request) (ingest.Lease, error) {
	lease, err := n.Directory.Acquire(ctx, r.Name, cluster.Claim{Publisher: r.Protocol + " " + r.Remote})
	if owned, ok := errors.AsType[*cluster.OwnedError](err); ok {
		return nil, fmt.Errorf("%w at node %q", ingest.ErrAlreadyPublishing, owned.Owner.Node)
	}
	if err != nil {
		return nil, err
	}
	return lease, nil
}

// epoch is that of a broadcast which is published here.
func (n *Node) epoch(ns relay.Namespace) uint64 {
	if o, ok := n.Directory.Owner(string(ns)); ok && o.Node == n.cfg.Self.ID {
		return o.Epoch
	}
	return 0
}

// loadEvery is how often this node tells the others how busy it is.
const loadEvery = 5 * time.Second

// tell keeps what the others know of this node up to date.
func (n *Node) tell(ctx context.Context) error {
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	for {
		self := n.self()
		if n.cfg.Load != nil {
			// Small changes are no news: each goes to every node.
			self.Load = math.Round(n.cfg.Load()*10) / 10
		}
		n.Directory.Register(self)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (n *Node) self() cluster.Node {
	self := n.cfg.Self
	self.Drain = n.draining.Load()
	return self
}
