package rig

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// Network is a switch with machines on it: network namespaces that a bridge in another
// one joins. This process is on it, too, at Self.
//
// All names start with freshet- and this process's number, by which NewNetwork finds
// and removes what a process left behind that did not get to its Close. The interfaces
// go with the namespaces.
type Network struct {
	// Self is the address of this process's own namespace.
	Self   netip.Addr
	name   string
	tag    string // Five letters that tell it apart.
	subnet netip.Prefix
	spaces []string // Owned by the caller's goroutine.
}

// spacePrefix starts the names of all namespaces.
const spacePrefix = "freshet-"

// ErrNoNetwork: this user, or this kernel, cannot make network namespaces.
var ErrNoNetwork = errors.New("network namespaces cannot be had")

// NewNetwork makes a network without machines.
func NewNetwork() (*Network, error) {
	if err := removeAbandoned(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoNetwork, err)
	}
	subnet, err := freeSubnet()
	if err != nil {
		return nil, err
	}
	tag := strings.ToLower(rand.Text()[:5])
	n := &Network{name: spacePrefix + strconv.Itoa(os.Getpid()) + "-" + tag, tag: tag, subnet: subnet, Self: addressIn(subnet, 254)}
	hub := n.space("hub")
	n.spaces = append(n.spaces, hub)
	own := "fr" + tag
	err = ip(
		"netns add "+hub,
		"-n "+hub+" link add hub type bridge",
		"-n "+hub+" link set hub up",
		"link add "+own+" type veth peer name self netns "+hub,
		"-n "+hub+" link set self master hub up",
		fmt.Sprintf("address add %v/24 dev %s", n.Self, own),
		"link set "+own+" up",
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrNoNetwork, err), n.Close())
	}
	return n, nil
}

func (n *Network) space(machine string) string { return n.name + "-" + machine }

// Machine is one network namespace with one interface, eth0.
type Machine struct {
	// Space is the namespace's name, for `ip netns exec`.
	Space string
	// Addr is its address at first.
	Addr netip.Addr

	network *Network
	port    string // Of the switch.
}

// Add puts a machine on the network.
func (n *Network) Add(name string) (*Machine, error) {
	port := "p" + strconv.Itoa(len(n.spaces)+1)
	m := &Machine{Space: n.space(name), Addr: addressIn(n.subnet, len(n.spaces)), network: n, port: port}
	n.spaces = append(n.spaces, m.Space)
	hub := n.spaces[0]
	err := ip(
		"netns add "+m.Space,
		"-n "+hub+" link add "+port+" type veth peer name eth0 netns "+m.Space,
		"-n "+hub+" link set "+port+" master hub up",
		"-n "+m.Space+" link set lo up",
		fmt.Sprintf("-n %s address add %v/24 dev eth0", m.Space, m.Addr),
		"-n "+m.Space+" link set eth0 up",
	)
	return m, err
}

// Move gives the machine another address; the old one is gone at once.
func (m *Machine) Move() (netip.Addr, error) {
	n := m.network
	next := addressIn(n.subnet, 128+int(m.Addr.As4()[3]))
	return next, ip(
		fmt.Sprintf("-n %s address add %v/24 dev eth0", m.Space, next),
		fmt.Sprintf("-n %s address del %v/24 dev eth0", m.Space, m.Addr),
		// The kernel takes the second address away with the first of its subnet.
		fmt.Sprintf("-n %s address replace %v/24 dev eth0", m.Space, next),
	)
}

// Inside changes a command into one that runs on the machine.
func (m *Machine) Inside(c Command) Command {
	c.Args = append([]string{"netns", "exec", m.Space, c.Path}, c.Args...)
	c.Path = "ip"
	return c
}

// Close removes all of it. What runs on the machines should have ended.
func (n *Network) Close() error {
	var errs []error
	for _, space := range slices.Backward(n.spaces) {
		errs = append(errs, ip("netns delete "+space))
	}
	n.spaces = nil
	return errors.Join(errs...)
}

// removeAbandoned removes the namespaces of processes that are no more. Programs in
// them died with their parent.
func removeAbandoned() error {
	names, err := os.ReadDir("/run/netns")
	if errors.Is(err, os.ErrNotExist) { // None was ever made.
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range names {
		rest, ours := strings.CutPrefix(entry.Name(), spacePrefix)
		pid, _, _ := strings.Cut(rest, "-")
		if _, err := strconv.Atoi(pid); !ours || err != nil {
			continue
		}
		if _, err := os.Stat("/proc/" + pid); errors.Is(err, os.ErrNotExist) {
			errs = append(errs, ip("netns delete "+entry.Name()))
		}
	}
	return errors.Join(errs...)
}

// freeSubnet is one of RFC 2544, for benchmarks, that this machine has no address in.
func freeSubnet() (netip.Prefix, error) {
	routes, err := exec.CommandContext(context.Background(), "ip", "route", "show").Output()
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%w: %w", ErrNoNetwork, err)
	}
	start := os.Getpid()
	for i := range 256 {
		text := fmt.Sprintf("198.18.%d.0/24", (start+i)%256)
		if !strings.Contains(string(routes), text) {
			return netip.ParsePrefix(text)
		}
	}
	return netip.Prefix{}, fmt.Errorf("%w: all subnets are taken", ErrNoNetwork)
}

func addressIn(subnet netip.Prefix, host int) netip.Addr {
	a := subnet.Addr().As4()
	a[3] = byte(host)
	return netip.AddrFrom4(a)
}

// ip runs ip(8) once for each line.
func ip(lines ...string) error {
	for _, line := range lines {
		// It waits for nobody, and what was made must go whatever context has ended.
		cmd := exec.CommandContext(context.Background(), "ip", strings.Fields(line)...) //nolint:gosec // our own words
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", line, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}
