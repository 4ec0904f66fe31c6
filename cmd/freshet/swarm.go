package main

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/relay/cluster"
	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/transport/swarm"
	"github.com/freshet-live/freshet/transport/swarm/place"
	"github.com/freshet-live/freshet/transport/swarm/stun"
)

const megabit = 1_000_000

// swarmConfig is what the edge's part of the swarm needs; nil when it is switched off.
func (g *gateway) swarmConfig() (*swarm.Config, error) {
	c := g.cfg.Swarm
	if !c.Enabled {
		return nil, nil
	}
	var err error
	if g.places, err = place.Open(c.ASNDatabase, c.CountryDatabase); err != nil {
		return nil, err
	}
	return &swarm.Config{STUN: c.STUNURLs, Places: g.places, Policy: swarmPolicy(c)}, nil
}

func swarmPolicy(c configs.Swarm) swarm.Policy {
	p := swarm.Policy{
		Params: policy.DefaultParams(), Control: c.Control, LAN: c.LAN,
		MinViewers: c.MinViewers, MinLoad: c.MinLoad, Capacity: int64(c.Capacity * megabit),
		DefaultAsk: swarm.Ask(c.Consent.Default), Ask: make(map[string]swarm.Ask),
		Off: c.OffASNs, Carriers: c.MobileASNs,
	}
	p.Params.Delay, p.Params.Share = c.Delay, c.Share
	p.Params.CapFactor, p.Params.Cap = c.CapFactor, int64(c.Cap*megabit)
	for ask, countries := range map[swarm.Ask][]string{
		swarm.AskFirst: c.Consent.Ask, swarm.AskNot: c.Consent.Allow, swarm.AskOff: c.Consent.Off,
	} {
		for _, country := range countries {
			p.Ask[country] = ask
		}
	}
	return p
}

// full tells whether new viewers are to be refused, since not even those who are here
// could be fed without their peers.
func (g *gateway) full() bool {
	return g.cfg.Swarm.Admission == configs.AdmissionRefuse && g.node.Swarm != nil && !g.node.Swarm.Admits()
}

func (g *gateway) newSTUN() (err error) {
	if !g.cfg.Swarm.Enabled || g.cfg.Swarm.STUN == "" {
		return nil
	}
	g.stun, err = stun.New(stun.Config{Addr: g.cfg.Swarm.STUN, Logger: g.log.With("part", "stun"), Registerer: g.registry})
	return err
}

// swarmWay tells players whether to ask; nil without a swarm.
func (g *gateway) swarmWay() func(netip.Addr) string {
	if g.node.Swarm == nil {
		return nil
	}
	return func(viewer netip.Addr) string { return string(g.node.Swarm.Ask(viewer)) }
}

// maxEdges bounds the gateways that a player is told of.
const maxEdges = 8

// otherEdges are the gateways that viewers may go on with: those that are configured,
// or else the edges of this region in the directory, the idlest first.
func (g *gateway) otherEdges() []string {
	if len(g.cfg.Swarm.Fallbacks) > 0 {
		return g.cfg.Swarm.Fallbacks
	}
	nodes, _ := g.node.Directory.Nodes()
	return edgesOf(nodes, g.cfg.Node)
}

func edgesOf(nodes []cluster.Node, self configs.Node) []string {
	nodes = slices.DeleteFunc(slices.Clone(nodes), func(n cluster.Node) bool {
		return n.ID == self.ID || n.Tier != cluster.TierEdge || n.Region != self.Region || n.Drain
	})
	slices.SortFunc(nodes, func(a, b cluster.Node) int { return cmp.Or(cmp.Compare(a.Load, b.Load), strings.Compare(a.ID, b.ID)) })
	var out []string
	for _, n := range nodes[:min(len(nodes), maxEdges)] {
		// Only https is for browsers; moqt leads to QUIC alone.
		if u, err := url.Parse(n.URL); err == nil && u.Scheme == "https" && u.Host != "" {
			out = append(out, "https://"+u.Host)
		}
	}
	return out
}
