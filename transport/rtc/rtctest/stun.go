package rtctest

import (
	"net"

	"github.com/pion/stun/v4"
)

// STUN adds a host that tells others what their address looks like from outside
// (RFC 8489), and gives its URL.
func (n *Network) STUN(line Line) string {
	n.tb.Helper()
	c, err := n.Host(line).Listen(3478)
	if err != nil {
		n.tb.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		answer(c)
	}()
	n.tb.Cleanup(func() {
		_ = c.Close()
		<-done
	})
	return "stun:" + c.LocalAddr().String()
}

func answer(c net.PacketConn) {
	b := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		m := &stun.Message{Raw: append([]byte(nil), b[:n]...)}
		addr, ok := from.(*net.UDPAddr)
		if m.Decode() != nil || m.Type != stun.BindingRequest || !ok {
			continue
		}
		a, err := stun.Build(m, stun.BindingSuccess, &stun.XORMappedAddress{IP: addr.IP, Port: addr.Port}, stun.Fingerprint)
		if err == nil {
			_, _ = c.WriteTo(a.Raw, from)
		}
	}
}
