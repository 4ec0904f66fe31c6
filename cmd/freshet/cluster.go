package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/relay/cluster"
	"github.com/freshet-live/freshet/relay/cluster/natskv"
)

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

// clusterState is what /v1/cluster shows.
func (g *gateway) clusterState() any {
	nodes, _ := g.node.Directory.Nodes()
	owners, _ := g.node.Directory.Owners()
	state := struct {
		Health string          `json:"health"`
		Nodes  []cluster.Node  `json:"nodes"`
		Owners []cluster.Owner `json:"owners"`
	}{Health: "ok", Nodes: nodes, Owners: owners}
	if err := g.node.Directory.Health(); err != nil {
		state.Health = err.Error()
	}
	return state
}
