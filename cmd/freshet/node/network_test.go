package node_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/testutils/simnet"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
)

// nearby is the delay between two hosts, one way, where a test names none.
const nearby = 2 * time.Millisecond

// network carries packets between hosts, each pair with a delay of its own and in
// order. What is cut vanishes without a word, as in a network.
type network struct {
	ctx  context.Context
	stop context.CancelFunc
	all  sync.WaitGroup

	mu      sync.Mutex
	sockets map[string]simnet.PacketReceiver // Guarded by mu. By address.
	pipes   map[[2]string]chan parcel        // Guarded by mu. By addresses.
	delays  map[[2]string]time.Duration      // Guarded by mu. By hosts.
	cuts    map[[2]string]bool               // Guarded by mu. By hosts.
	downs   map[string]bool                  // Guarded by mu. By host.
	names   map[string]string                // Guarded by mu. Hosts by name.
	ports   int                              // Guarded by mu. The last that was given out.
}

type parcel struct {
	simnet.Packet
	due time.Time
}

func newNetwork() *network {
	n := &network{
		sockets: make(map[string]simnet.PacketReceiver), pipes: make(map[[2]string]chan parcel),
		delays: make(map[[2]string]time.Duration), cuts: make(map[[2]string]bool), downs: make(map[string]bool),
		names: make(map[string]string), ports: 10_000,
	}
	n.ctx, n.stop = context.WithCancel(context.Background())
	return n
}

func (n *network) close() {
	n.stop()
	n.all.Wait()
}

// AddNode implements simnet.Router.
func (n *network) AddNode(addr net.Addr, to simnet.PacketReceiver) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sockets[addr.String()] = to
}

// SendPacket implements simnet.Router.
func (n *network) SendPacket(p simnet.Packet) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.passesLocked(p) || n.ctx.Err() != nil {
		return nil
	}
	key := [2]string{p.From.String(), p.To.String()}
	pipe := n.pipes[key]
	if pipe == nil {
		pipe = make(chan parcel, 4096)
		n.pipes[key] = pipe
		n.all.Go(func() { n.carry(pipe) })
	}
	delay, ok := n.delays[pair(host(p.From), host(p.To))]
	if !ok {
		delay = nearby
	}
	select {
	case pipe <- parcel{p, time.Now().Add(delay)}:
	default: // The queue of a router that is full.
	}
	return nil
}

func (n *network) carry(pipe chan parcel) {
	for {
		select {
		case p := <-pipe:
			time.Sleep(time.Until(p.due))
			n.mu.Lock()
			to := n.sockets[p.To.String()]
			passes := n.passesLocked(p.Packet)
			n.mu.Unlock()
			if passes && to != nil {
				to.RecvPacket(p.Packet)
			}
		case <-n.ctx.Done():
			return
		}
	}
}

func (n *network) passesLocked(p simnet.Packet) bool {
	from, to := host(p.From), host(p.To)
	return !n.cuts[pair(from, to)] && !n.downs[from] && !n.downs[to]
}

// cut breaks the way between two hosts, or mends it.
func (n *network) cut(a, b string, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cuts[pair(a, b)] = cut
}

func (n *network) isCut(a, b string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cuts[pair(a, b)]
}

// name enters a host in the DNS of this world.
func (n *network) name(name, h string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[name] = h
}

// find looks a host up by its name; an address is its own.
func (n *network) find(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h, ok := n.names[name]; ok {
		return h
	}
	return name
}

// setDown unplugs a host.
func (n *network) setDown(h string, down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.downs[h] = down
}

// delay sets the time that packets take between two hosts, one way.
func (n *network) delay(a, b string, d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delays[pair(a, b)] = d
}

func pair(a, b string) [2]string {
	if b < a {
		a, b = b, a
	}
	return [2]string{a, b}
}

func host(addr net.Addr) string {
	h, _, _ := net.SplitHostPort(addr.String())
	return h
}

// socket is a UDP socket of a host; port 0 is a free one.
func (n *network) socket(h string, port int) *simnet.SimConn {
	if port == 0 {
		n.mu.Lock()
		n.ports++
		port = n.ports
		n.mu.Unlock()
	}
	return simnet.NewBlockingSimConn(&net.UDPAddr{IP: net.ParseIP(h).To4(), Port: port}, n)
}

// dial connects from one host to another.
func (n *network) dial(ctx context.Context, from, to, protocol string, conf *quic.Config) (moqt.Conn, error) {
	socket := n.socket(from, 0)
	transport := &quic.Transport{Conn: socket}
	protocols := wire.Protocols()
	if protocol != "" {
		protocols = []string{protocol}
	}
	// Who is who is another test's matter.
	qc, err := transport.Dial(ctx, &net.UDPAddr{IP: net.ParseIP(to).To4(), Port: servicePort},
		&tls.Config{InsecureSkipVerify: true, NextProtos: protocols}, conf)
	hangUp := func() { _ = errors.Join(transport.Close(), socket.Close()) }
	if err != nil {
		hangUp()
		return nil, err
	}
	n.all.Go(func() {
		<-qc.Context().Done()
		hangUp()
	})
	return quicconn.NewConn(qc), nil
}

// servicePort is where every node listens.
const servicePort = 443
