package rig

import (
	"fmt"
	"net/netip"
	"strconv"
)

// Unplug takes the machine's cable out of the switch: what is sent either way is lost
// without a word. Plug puts it back.
func (m *Machine) Unplug() error {
	return ip(fmt.Sprintf("-n %s link set %s nomaster", m.network.spaces[0], m.port))
}

// Plug undoes Unplug.
func (m *Machine) Plug() error {
	return ip(fmt.Sprintf("-n %s link set %s master hub", m.network.spaces[0], m.port))
}

// Via has the machine send what goes to an address through a device of its own
// instead of the switch.
func (m *Machine) Via(device string, to netip.Addr) error {
	return ip(fmt.Sprintf("-n %s route replace %v/32 dev %s src %v", m.Space, to, device, m.Addr))
}

// Via has this process's own namespace send what goes to an address through a device.
// The route ends with the device.
func (n *Network) Via(device string, to netip.Addr) error {
	return ip(fmt.Sprintf("route replace %v/32 dev %s src %v", to, device, n.Self))
}

// Device is a name for the i-th device of this process's own namespace that belongs to
// the network; no other network's has it.
func (n *Network) Device(i int) string { return "fr" + n.tag + "-" + strconv.Itoa(i) }
