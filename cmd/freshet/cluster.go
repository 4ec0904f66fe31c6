package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/cluster"
	"github.com/freshet-live/freshet/relay/cluster/natskv"
	"github.com/freshet-live/freshet/transport/moqt/uplink"
)

// newDirectory makes this node a member of its cluster, which is its own memory when
// it is alone.
func (g *gateway) newDirectory() error {
	store, err := g.newStore()
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	c := g.cfg.Node
	g.directory, err = cluster.New(cluster.Config{
		Store:    store,
		Node:     cluster.Node{ID: c.ID, Tier: cluster.Tier(c.Tier), Region: c.Region, URL: c.URL},
		WhenDown: cluster.Policy(g.cfg.Cluster.WhenDown),
		Logger:   g.log.With("part", "cluster"), Registerer: g.registry,
	})
	return err
}

func (g *gateway) newStore() (cluster.Store, error) {
	c := g.cfg.Cluster
	if c.Alone() {
		return cluster.NewMemory().Link(), nil
	}
	security, err := clusterTLS(c)
	if err != nil {
		return nil, err
	}
	log := g.log.With("part", "nats")
	if len(c.NATS) > 0 {
		return natskv.New(natskv.Config{URLs: c.NATS, TLS: security, Name: g.cfg.Node.ID, Logger: log})
	}
	server, err := natskv.NewServer(natskv.ServerConfig{
		Node: g.cfg.Node.ID, Cluster: c.Name, Listen: c.Listen, Routes: c.Routes,
		LeafListen: c.LeafListen, Leaf: c.Leaf, Dir: c.Dir, TLS: security, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	return natskv.New(natskv.Config{Server: server, Name: g.cfg.Node.ID, Logger: log})
}

// clusterTLS is for both sides of the directory's connections; nil without files.
func clusterTLS(c configs.Cluster) (*tls.Config, error) {
	if c.CA == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca: %s holds no certificate", c.CA)
	}
	conf := &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}
	if c.Cert == "" {
		return conf, nil
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("cert: %w", err)
	}
	conf.Certificates = []tls.Certificate{pair}
	return conf, nil
}

// claim makes this node the owner of a name that somebody wants to publish.
func (g *gateway) claim(ctx context.Context, r ingest.Request) (ingest.Lease, error) {
	lease, err := g.directory.Acquire(ctx, r.Name, cluster.Claim{Publisher: r.Protocol + " " + r.Remote})
	if owned, ok := errors.AsType[*cluster.OwnedError](err); ok {
		return nil, fmt.Errorf("%w at node %q", ingest.ErrAlreadyPublishing, owned.Owner.Node)
	}
	if err != nil {
		return nil, err
	}
	return lease, nil
}

// epoch is that of a broadcast which is published here.
func (g *gateway) epoch(ns relay.Namespace) uint64 {
	if o, ok := g.directory.Owner(string(ns)); ok && o.Node == g.cfg.Node.ID {
		return o.Epoch
	}
	return 0
}

// follow chooses parents among the nodes of the directory, as they come and go. Those
// of the configuration count instead, if there are any.
func (g *gateway) follow(ctx context.Context) error {
	if len(g.cfg.Relay.Parents) > 0 {
		return nil
	}
	for {
		nodes, changed := g.directory.Nodes()
		var parents []uplink.Parent
		for _, c := range cluster.Parents(nodes, g.self()) {
			parents = append(parents, uplink.Parent{URL: c.URL, Cost: c.Cost})
		}
		g.uplink.SetParents(parents)
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// loadEvery is how often this node tells the others how busy it is.
const loadEvery = 5 * time.Second

// tell keeps what the others know of this node up to date.
func (g *gateway) tell(ctx context.Context) error {
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	var meter loadMeter
	for {
		load := meter.read()
		self := g.self()
		// Small changes are no news: each goes to every node.
		self.Load = math.Round(load*10) / 10
		g.directory.Register(self)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (g *gateway) self() cluster.Node {
	c := g.cfg.Node
	return cluster.Node{ID: c.ID, Tier: cluster.Tier(c.Tier), Region: c.Region, URL: c.URL, Drain: g.draining.Load()}
}

// clusterState is what /v1/cluster shows.
func (g *gateway) clusterState() any {
	nodes, _ := g.directory.Nodes()
	owners, _ := g.directory.Owners()
	state := struct {
		Health string          `json:"health"`
		Nodes  []cluster.Node  `json:"nodes"`
		Owners []cluster.Owner `json:"owners"`
	}{Health: "ok", Nodes: nodes, Owners: owners}
	if err := g.directory.Health(); err != nil {
		state.Health = err.Error()
	}
	return state
}
