package impair

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/bench/self"
)

const (
	// maxClients bounds sockets and memory: anybody may send to the port.
	maxClients = 256
	// clientIdle is longer than any encoder waits before it calls again.
	clientIdle = time.Minute
	// socketBuffer is 300 ms of 100 Mbit/s.
	socketBuffer = 4 << 20
	// maxDatagram is a jumbo frame. What is larger is refused.
	maxDatagram = 9216
	batchSize   = 32
)

// relay is a path between a UDP port and an address. Each client has an upstream
// socket of its own, as behind a NAT.
type relay struct {
	// Set by newRelay, then read-only.
	name   string
	lanes  [2]*lane
	to     *net.UDPAddr
	times  []time.Duration // Of new bindings.
	period time.Duration
	front  *wire
	drops  *self.Drops

	group *errgroup.Group // Set by run. Takes a reader for each binding.

	mu      sync.Mutex
	clients map[netip.AddrPort]*client // Guarded by mu.
	closed  bool                       // Guarded by mu.

	refused, rebinds atomic.Uint64
	// outgoing is scratch of the lanes, by direction.
	outgoing [2][]ipv4.Message
}

// client is somebody who sends to the port.
type client struct {
	addr *net.UDPAddr
	up   atomic.Pointer[wire] // Replaced by a new binding.
	seen atomic.Int64         // When anything came or went, on the lanes' clock.
}

// wire is a socket that takes batches.
type wire struct {
	*net.UDPConn
	batch *ipv4.PacketConn
}

func newWire(conn *net.UDPConn) *wire {
	enlarge(conn)
	// In spite of its name it takes batches over IPv6 too.
	return &wire{conn, ipv4.NewPacketConn(conn)}
}

func newRelay(name string, lanes [2]*lane, ends Ends, times []time.Duration, period time.Duration) (*relay, error) {
	to, err := net.ResolveUDPAddr("udp", ends.To)
	if err != nil {
		return nil, fmt.Errorf("%s: to: %w", name, err)
	}
	listen, err := net.ResolveUDPAddr("udp", ends.Listen)
	if err != nil {
		return nil, fmt.Errorf("%s: listen: %w", name, err)
	}
	conn, err := net.ListenUDP("udp", listen)
	if err != nil {
		return nil, fmt.Errorf("%s: listen: %w", name, err)
	}
	r := &relay{
		name: name, lanes: lanes, to: to, times: times, period: period, front: newWire(conn),
		drops: self.NewDrops(), clients: make(map[netip.AddrPort]*client),
	}
	for d, l := range lanes {
		l.overhead = 28 // IPv4 and UDP.
		if to.IP.To4() == nil {
			l.overhead = 48
		}
		r.outgoing[d] = make([]ipv4.Message, 0, batchSize)
	}
	r.drops.Watch(int(Up), conn)
	lanes[Up].write, lanes[Down].write = r.writeUp, r.writeDown
	return r, nil
}

// run carries until the context ends.
func (r *relay) run(ctx context.Context) error {
	return carry(ctx, r.lanes, func(ctx context.Context, group *errgroup.Group) {
		r.group = group
		group.Go(func() error {
			r.receive()
			return nil
		})
		group.Go(func() error { return r.keep(ctx) })
	}, r.close)
}

// receive reads the port until it is closed.
func (r *relay) receive() {
	messages := newMessages(batchSize)
	var bytes slab
	batch := make([]datagram, 0, batchSize)
	for {
		n, err := r.front.batch.ReadBatch(messages, 0)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // An ICMP error of somebody who has left.
		}
		batch = batch[:0]
		for _, m := range messages[:n] {
			addr, ok := m.Addr.(*net.UDPAddr)
			if !ok || !r.fits(m) {
				continue
			}
			if c := r.client(addr); c != nil {
				batch = append(batch, datagram{bytes.keep(m.Buffers[0][:m.N]), c})
			}
		}
		r.lanes[Up].take(batch)
	}
}

// client finds or makes the client of an address; nil if there is no room.
func (r *relay) client(addr *net.UDPAddr) *client {
	key := addr.AddrPort()
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.clients[key]
	if c == nil {
		if len(r.clients) >= maxClients || r.closed {
			r.refused.Add(1)
			return nil
		}
		c = &client{addr: net.UDPAddrFromAddrPort(key)}
		if r.bind(c) != nil {
			r.refused.Add(1)
			return nil
		}
		r.clients[key] = c
	}
	c.seen.Store(int64(r.lanes[Up].now()))
	return c
}

// bind gives a client a new upstream socket, and ends the one it had. r.mu is
// held; a socket of UDP is made without waiting.
func (r *relay) bind(c *client) error {
	conn, err := net.DialUDP("udp", nil, r.to)
	if err != nil {
		return err
	}
	w := newWire(conn)
	r.drops.Watch(int(Down), conn)
	if old := c.up.Swap(w); old != nil {
		old.Close()
	}
	r.group.Go(func() error {
		r.receiveFor(c, w)
		return nil
	})
	return nil
}

// receiveFor reads what comes back for a client until its socket is closed.
func (r *relay) receiveFor(c *client, w *wire) {
	messages := newMessages(batchSize)
	var bytes slab
	batch := make([]datagram, 0, batchSize)
	for {
		n, err := w.batch.ReadBatch(messages, 0)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // Nobody there, says ICMP; somebody may be, later.
		}
		batch = batch[:0]
		for _, m := range messages[:n] {
			if r.fits(m) {
				batch = append(batch, datagram{bytes.keep(m.Buffers[0][:m.N]), c})
			}
		}
		c.seen.Store(int64(r.lanes[Down].now()))
		r.lanes[Down].take(batch)
	}
}

// fits says whether a message was read whole; one that was not is refused.
func (r *relay) fits(m ipv4.Message) bool {
	if m.N > maxDatagram {
		r.refused.Add(1)
	}
	return m.N <= maxDatagram
}

func newMessages(n int) []ipv4.Message {
	messages := make([]ipv4.Message, n)
	for i := range messages {
		messages[i].Buffers = [][]byte{make([]byte, maxDatagram+1)}
	}
	return messages
}
