package impair

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
)

// writeUp sends to the address, each client's packets from its socket.
func (r *relay) writeUp(due []Departure[datagram]) (unsent int) {
	for len(due) > 0 {
		c, n := due[0].Packet.of, 1
		for n < len(due) && due[n].Packet.of == c {
			n++
		}
		unsent += r.writeBatch(Up, c.up.Load(), due[:n], nil)
		due = due[n:]
	}
	return unsent
}

// writeDown sends to the clients.
func (r *relay) writeDown(due []Departure[datagram]) (unsent int) {
	return r.writeBatch(Down, r.front, due, func(d datagram) net.Addr { return d.of.addr })
}

// writeBatch sends packets, those that are duplicated twice, in as few calls as
// the kernel takes. Addr is nil for a connected socket.
func (r *relay) writeBatch(d Direction, w *wire, due []Departure[datagram], addr func(datagram) net.Addr) (unsent int) {
	out := r.outgoing[d][:0]
	for _, departure := range due {
		m := ipv4.Message{Buffers: [][]byte{departure.Packet.data}}
		if addr != nil {
			m.Addr = addr(departure.Packet)
		}
		out = append(out, m)
		if departure.Duplicated {
			out = append(out, m)
		}
	}
	unsent = writeAll(w.batch, out)
	clear(out)
	r.outgoing[d] = out
	return unsent
}

// writeAll gives the kernel all messages and counts those it does not take.
func writeAll(to *ipv4.PacketConn, messages []ipv4.Message) (unsent int) {
	told := false
	for len(messages) > 0 {
		n, err := to.WriteBatch(messages, 0)
		if n > 0 {
			messages, told = messages[n:], false
			continue
		}
		// The first call tells of an earlier packet that nobody wanted.
		if errors.Is(err, syscall.ECONNREFUSED) && !told {
			told = true
			continue
		}
		unsent++
		messages, told = messages[1:], false
	}
	return unsent
}

// keep makes new bindings when the timeline says so, and forgets idle clients.
func (r *relay) keep(ctx context.Context) error {
	now := r.lanes[Up].now()
	next := nextRebind(r.times, r.period, now)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(min(next-now, time.Second))
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		now = r.lanes[Up].now()
		if now >= next {
			r.rebind()
			next = nextRebind(r.times, r.period, now)
		}
		r.expire(now)
	}
}

func (r *relay) rebind() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.clients {
		if !r.closed && r.bind(c) == nil {
			r.rebinds.Add(1)
		}
	}
}

func (r *relay) expire(now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, c := range r.clients {
		if now-time.Duration(c.seen.Load()) > clientIdle {
			c.up.Load().Close()
			delete(r.clients, key)
		}
	}
}

// close ends all sockets, after a last look at what the kernel dropped.
func (r *relay) close() error {
	r.drops.Read()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, c := range r.clients {
		c.up.Load().Close()
	}
	return r.front.Close()
}

func (r *relay) ends() string { return r.front.LocalAddr().String() + " > " + r.to.String() }

func (r *relay) readings() []Reading {
	r.mu.Lock()
	clients, closed := len(r.clients), r.closed
	r.mu.Unlock()
	if !closed {
		r.drops.Read()
	}
	out := make([]Reading, len(r.lanes))
	for d, l := range r.lanes {
		out[d] = l.reading(Reading{
			Link: r.name, Direction: Direction(d), Clients: clients,
			Refused: r.refused.Load(), Rebinds: r.rebinds.Load(),
		})
		out[d].OwnLoss, out[d].OwnLossKnown = r.drops.Total(d)
	}
	return out
}
