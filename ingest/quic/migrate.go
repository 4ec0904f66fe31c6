package quic

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	quicgo "github.com/quic-go/quic-go"
)

const (
	// routeEvery is how often the way to the server is looked up.
	routeEvery = time.Second
	// probeWithin is how long a new path may take to answer.
	probeWithin = 3 * time.Second
	// maxPaths is how many sockets one connection may leave behind: a path cannot
	// be taken out of a connection before its end.
	maxPaths = 32
)

var errPaths = errors.New("too many changes of address")

// Migrate moves the connection to a socket of its own (RFC 9000, section 9): the
// new path is proved first, and the old one is used until then.
func (c *Client) Migrate(ctx context.Context) error {
	c.mu.Lock()
	paths := len(c.sockets)
	c.mu.Unlock()
	if paths >= maxPaths {
		return errPaths
	}
	t, err := c.socket()
	if err != nil {
		return err
	}
	path, err := c.conn.AddPath(t)
	if err != nil {
		return fmt.Errorf("new path: %w", err)
	}
	if err := path.Probe(ctx); err != nil {
		return errors.Join(fmt.Errorf("prove path: %w", err), path.Close())
	}
	if err := path.Switch(); err != nil {
		return errors.Join(fmt.Errorf("switch path: %w", err), path.Close())
	}
	return c.leaveFor(path)
}

// leaveFor goes on with the path and gives up the one before.
func (c *Client) leaveFor(to *quicgo.Path) error {
	c.mu.Lock()
	old := c.path
	c.path = to
	c.mu.Unlock()
	if old == nil {
		return nil
	}
	return old.Close()
}

// followRoute migrates when the way to the server begins at another address: a
// cable was pulled, a phone has left a wireless network.
func (c *Client) followRoute() error {
	ticker := time.NewTicker(routeEvery)
	defer ticker.Stop()
	from := route(c.remote)
	for {
		select {
		case <-ticker.C:
		case <-c.ctx.Done():
			return nil
		}
		now := route(c.remote)
		if now == from || !now.IsValid() {
			continue
		}
		ctx, cancel := context.WithTimeout(c.ctx, probeWithin)
		err := c.Migrate(ctx)
		cancel()
		if err != nil {
			c.log.Warn("move to a new address failed", "from", from, "to", now, "error", err)
			continue
		}
		c.log.Info("moved to a new address", "from", from, "to", now)
		from = now
	}
}

// route is the address that packets to remote leave from; the zero value when
// there is no way. Nothing is sent.
func route(remote *net.UDPAddr) netip.Addr {
	conn, err := net.DialUDP("udp", nil, remote)
	if err != nil {
		return netip.Addr{}
	}
	defer conn.Close()
	addr, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.Addr{}
	}
	return addr.AddrPort().Addr()
}
