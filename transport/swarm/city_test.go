package swarm_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/testutils/simnet"

	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/swarm"
)

const (
	edgeIP    = "9.9.9.1"
	edgePort  = 443
	oneWay    = 10 * time.Millisecond
	firstPort = 20_000
)

// city is a stage whose viewers come over QUIC, from addresses of their own, with 20 ms
// of round trip.
type city struct {
	*stage
	router *simnet.PerfectRouter
	links  []*simnet.SimulatedLink
	ports  int
}

// inCity runs a test over QUIC in virtual time.
func inCity(t *testing.T, change func(*swarm.Config, *moqt.Config), play func(t *testing.T, c *city)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &city{stage: newStage(t, change), router: new(simnet.PerfectRouter)}
		c.protocol = "moqt-18"
		source, err := certs.New(certs.Config{})
		c.must(err)
		l, err := quicconn.New(quicconn.Config{
			Conn: c.socket(edgeIP, edgePort), TLS: &tls.Config{GetCertificate: source.GetCertificate},
			Protocols: []string{"moqt-18", "moqt-16"},
			MoQ: func(ctx context.Context, conn moqt.Conn) {
				_ = c.server.Serve(context.WithoutCancel(ctx), conn)
			},
		})
		c.must(err)
		ctx, stop := context.WithCancel(context.Background())
		c.ran.Go(func() { c.must(l.Run(ctx)) })
		play(t, c)
		c.served.Wait()
		stop()
		c.close()
		for _, link := range c.links {
			c.must(link.Close())
		}
	})
}

// socket is a UDP socket of a host.
func (c *city) socket(ip string, port int) net.PacketConn {
	addr := &net.UDPAddr{IP: net.ParseIP(ip).To4(), Port: port}
	link := &simnet.SimulatedLink{Latency: oneWay, UploadPacket: c.router}
	conn := simnet.NewBlockingSimConn(addr, link)
	c.router.AddNode(addr, link)
	link.Start()
	c.links = append(c.links, link)
	return conn
}

// visit is a viewer from an address, who joins.
func (c *city) visit(ip string, change func(*wire.Hello)) *guest {
	c.tb.Helper()
	c.ports++
	socket := c.socket(ip, firstPort+c.ports)
	transport := &quic.Transport{Conn: socket}
	qc, err := transport.Dial(context.Background(), &net.UDPAddr{IP: net.ParseIP(edgeIP).To4(), Port: edgePort},
		&tls.Config{InsecureSkipVerify: true, NextProtos: []string{c.protocol}}, quicconn.ClientConfig())
	c.must(err)
	c.served.Go(func() {
		<-qc.Context().Done()
		c.must(errors.Join(transport.Close(), socket.Close()))
	})
	g := c.connectOver(quicconn.NewConn(qc), moqt.ClientConfig{})
	hello := helloOf(g.host)
	if change != nil {
		change(hello)
	}
	g.open(hello)
	time.Sleep(200 * time.Millisecond)
	return g
}

// atlas is Places by hand.
type atlas map[string]swarm.Place

func (a atlas) Place(ip netip.Addr) swarm.Place { return a[ip.String()] }
