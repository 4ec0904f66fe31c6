package configs

import (
	"net"
	"net/url"
)

// Node is this gateway among others.
type Node struct {
	// ID names it, different from all others; empty is the host's name and a
	// random part, new at each start.
	ID string `yaml:"id"`
	// Tier is origin, mid or edge: what kind of node the directory tells others
	// that this is, and so who its parents are. Region groups nodes that are near
	// each other.
	Tier   string `yaml:"tier"`
	Region string `yaml:"region"`
	// URL is where other gateways reach this one over MoQ; without it they find
	// it only by relay.parents.
	URL string `yaml:"url"`
}

// Cluster is the directory that gateways share: who owns which broadcast, and which
// nodes there are. Without any of its keys a gateway is alone.
type Cluster struct {
	// NATS are the URLs of a NATS cluster with JetStream that runs already.
	NATS []string `yaml:"nats"`
	// Name is that of the cluster; Listen the TCP address for other voters, and
	// Routes where they are: nats://host:6222.
	Name   string   `yaml:"name"`
	Listen string   `yaml:"listen"`
	Routes []string `yaml:"routes"`
	// LeafListen is the TCP address for leaf nodes; Leaf is where a leaf finds
	// them: nats://host:7422.
	LeafListen string   `yaml:"leaf_listen"`
	Leaf       []string `yaml:"leaf"`
	// Dir keeps what a voter knows.
	Dir string `yaml:"dir"`
	// Cert, Key and CA are PEM files for all of these connections, both ways.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	CA   string `yaml:"ca"`
	// WhenDown is accept or reject: new publishers while the directory is away.
	WhenDown string `yaml:"when_down"`
}

// Alone tells whether nothing is shared with other gateways.
func (c Cluster) Alone() bool {
	return len(c.NATS) == 0 && c.Listen == "" && c.LeafListen == "" && len(c.Leaf) == 0
}

// The tiers of a Node.
const (
	TierOrigin = "origin"
	TierMid    = "mid"
	TierEdge   = "edge"
)

func (v *validator) node(c Node) {
	v.oneOf("node.tier", c.Tier, TierOrigin, TierMid, TierEdge)
	if c.URL != "" {
		v.relayURL("node.url", c.URL)
	}
}

func (v *validator) cluster(c Cluster) {
	v.address("cluster.listen", c.Listen)
	v.address("cluster.leaf_listen", c.LeafListen)
	v.oneOf("cluster.when_down", c.WhenDown, "accept", "reject")
	for key, list := range map[string][]string{"cluster.nats": c.NATS, "cluster.routes": c.Routes, "cluster.leaf": c.Leaf} {
		for _, s := range list {
			if u, err := url.Parse(s); err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" {
				v.add(key, `%q is no URL such as "nats://10.0.0.1:6222"`, s)
			}
		}
	}
	switch embedded := c.Listen != "" || c.LeafListen != "" || len(c.Leaf) > 0; {
	case len(c.NATS) > 0 && embedded:
		v.add("cluster.nats", "either an external cluster or a server in this process, not both")
	case len(c.Leaf) > 0 && (c.Listen != "" || c.LeafListen != ""):
		v.add("cluster.leaf", "a leaf takes neither voters nor leafs itself")
	}
	if len(c.Routes) > 0 && (c.Listen == "" || c.Dir == "") {
		v.add("cluster.routes", "a voter needs listen and dir, too")
	}
	if (c.Cert == "") != (c.Key == "") {
		v.add("cluster.cert", "cert and key go together")
	}
	for key, s := range map[string]string{"cluster.listen": c.Listen, "cluster.leaf_listen": c.LeafListen} {
		if s != "" && c.Cert == "" && !onLoopback(s) {
			v.add(key, "%s can be reached from elsewhere: set cert, key and ca", s)
		}
	}
	if c.Cert != "" && c.CA == "" {
		v.add("cluster.ca", "must be set: whoever it certifies may join")
	}
}

// onLoopback tells whether an address can be reached from this machine only.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
