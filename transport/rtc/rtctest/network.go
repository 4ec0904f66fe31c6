// Package rtctest is an internet in memory for tests of the swarm: hosts whose
// lines have a rate, a delay and loss (bench/impair), behind NATs of every type
// (pion's vnet). Everything runs in a testing/synctest bubble, in virtual time.
package rtctest

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/vnet"

	"github.com/freshet-live/freshet/bench/impair"
)

// NAT is what lies between a host and the internet, by RFC 4787's words.
type NAT int

// The types.
const (
	// Open hosts have a public address.
	Open NAT = iota
	// EndpointIndependent maps and filters without regard to the other side.
	EndpointIndependent
	// AddressDependent lets in whom the host has sent to, by address.
	AddressDependent
	// PortDependent lets in whom the host has sent to, by address and port.
	PortDependent
	// Symmetric has another mapping for everybody.
	Symmetric
)

// NATs are all types.
var NATs = []NAT{Open, EndpointIndependent, AddressDependent, PortDependent, Symmetric}

func (n NAT) String() string {
	return [...]string{"open", "endpoint independent", "address dependent", "port dependent", "symmetric"}[n]
}

func (n NAT) typ() *vnet.NATType {
	t := &vnet.NATType{MappingLifeTime: time.Minute}
	switch n {
	case AddressDependent:
		t.FilteringBehavior = vnet.EndpointAddrDependent
	case PortDependent:
		t.FilteringBehavior = vnet.EndpointAddrPortDependent
	case Symmetric:
		t.MappingBehavior = vnet.EndpointAddrPortDependent
		t.FilteringBehavior = vnet.EndpointAddrPortDependent
	default:
	}
	return t
}

// Meets tells whether hosts behind these NATs can reach each other by server
// reflexive candidates: a symmetric one's mapping is known to nobody who filters
// by port.
func (n NAT) Meets(m NAT) bool {
	if n > m {
		n, m = m, n
	}
	return m != Symmetric || n < PortDependent
}

// Line is how a host is connected.
type Line struct {
	NAT NAT
	// Up is the rate of what the host sends, bit/s; 0 is no limit. What does not
	// fit waits for at most 200 ms.
	Up int64
	// Delay is the way of a packet from the host, one way.
	Delay time.Duration
	// Loss is the share of packets from the host that are lost.
	Loss float64
}

// Network is an internet. Hosts are added by one goroutine.
type Network struct {
	tb    testing.TB
	wan   *vnet.Router
	logs  logging.LoggerFactory
	seed  uint64
	hosts int
}

// New makes an internet that ends with the test. Seed decides what is lost.
func New(tb testing.TB, seed uint64) *Network {
	tb.Helper()
	logs := &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}
	wan, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "5.1.2.0/24", LoggerFactory: logs})
	if err != nil {
		tb.Fatal(err)
	}
	if err := wan.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = wan.Stop() })
	return &Network{tb: tb, wan: wan, logs: logs, seed: seed}
}

// Host adds a host.
func (n *Network) Host(line Line) *Host {
	n.tb.Helper()
	n.hosts++
	nic, err := n.attach(line.NAT)
	if err != nil {
		n.tb.Fatal(err)
	}
	plan, err := line.plan()
	if err != nil {
		n.tb.Fatal(err)
	}
	h := &Host{Net: nic, wire: newWire(impair.NewLink[parcel](plan, n.seed, uint64(n.hosts)))}
	n.tb.Cleanup(h.wire.close)
	return h
}

// attach adds a network interface to the internet, or to a network behind a NAT.
func (n *Network) attach(nat NAT) (*vnet.Net, error) {
	router := n.wan
	if nat != Open {
		lan, err := n.lan(nat)
		if err != nil {
			return nil, err
		}
		router = lan
	}
	nic, err := vnet.NewNet(&vnet.NetConfig{})
	if err != nil {
		return nil, err
	}
	return nic, router.AddNet(nic)
}

func (n *Network) lan(nat NAT) (*vnet.Router, error) {
	lan, err := vnet.NewRouter(&vnet.RouterConfig{
		CIDR: fmt.Sprintf("192.168.%d.0/24", n.hosts), NATType: nat.typ(), LoggerFactory: n.logs,
	})
	if err != nil {
		return nil, err
	}
	if err := n.wan.AddRouter(lan); err != nil {
		return nil, err
	}
	return lan, lan.Start()
}

func (l Line) plan() (*impair.Plan, error) {
	loss, rate := impair.Percent(l.Loss), impair.Rate(l.Up)
	queue := impair.QueueSize{Time: 200 * time.Millisecond}
	path := &impair.Path{Both: impair.Settings{Delay: &l.Delay, Loss: &loss, Rate: &rate, Queue: &queue}}
	return path.Plan(impair.Up)
}

// Host is the network as a host has it: a transport.Net for pion.
type Host struct {
	transport.Net
	wire *wire
}

// ListenUDP implements transport.Net.
func (h *Host) ListenUDP(network string, local *net.UDPAddr) (transport.UDPConn, error) {
	c, err := h.Net.ListenUDP(network, local)
	if err != nil {
		return nil, err
	}
	return &conn{UDPConn: c, wire: h.wire}, nil
}

// Listen gives a socket for anything else, such as QUIC, with the host's own
// address.
func (h *Host) Listen(port int) (net.PacketConn, error) {
	ip, err := h.Address()
	if err != nil {
		return nil, err
	}
	return h.ListenUDP("udp4", &net.UDPAddr{IP: ip, Port: port})
}

// Address is the host's own, which may be behind a NAT.
func (h *Host) Address() (net.IP, error) {
	eth, err := h.InterfaceByName("eth0")
	if err != nil {
		return nil, err
	}
	addrs, err := eth.Addrs()
	if err != nil {
		return nil, err
	}
	if a, ok := addrs[0].(*net.IPNet); ok {
		return a.IP, nil
	}
	return nil, fmt.Errorf("address %v", addrs[0])
}

// Stats are what the host's line has carried.
func (h *Host) Stats() impair.Stats { return h.wire.stats() }

// SetCut takes the line away, or gives it back.
func (h *Host) SetCut(cut bool) { h.wire.setCut(cut) }
