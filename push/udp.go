package push

import (
	"context"
	"fmt"
	"net"
	"net/url"

	"github.com/freshet-live/freshet/ingest/mpegts"
)

// udpBuffer is what is asked of the kernel: 50 ms at 300 Mbit/s, a burst of many
// encoders.
const udpBuffer = 2 << 20

// listenUDP reads transport packets from datagrams, bare or in RTP (RFC 2250),
// sent to this host or to a multicast group.
func listenUDP(u *url.URL, iface string) (Source, error) {
	addr, err := net.ResolveUDPAddr("udp", u.Host)
	if err != nil {
		return nil, err
	}
	conn, err := bindUDP(addr, iface)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", u.Redacted(), err)
	}
	return func(ctx context.Context, put func([]byte)) error {
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		defer conn.Close()
		if err := readUDP(conn, put); ctx.Err() == nil {
			return fmt.Errorf("read %s: %w", u.Redacted(), err)
		}
		return context.Cause(ctx)
	}, nil
}

func bindUDP(addr *net.UDPAddr, name string) (*net.UDPConn, error) {
	var iface *net.Interface
	if name != "" {
		var err error
		if iface, err = net.InterfaceByName(name); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	var conn *net.UDPConn
	var err error
	if addr.IP.IsMulticast() {
		conn, err = net.ListenMulticastUDP("udp", iface, addr)
	} else {
		conn, err = net.ListenUDP("udp", addr)
	}
	if err != nil {
		return nil, err
	}
	return conn, conn.SetReadBuffer(udpBuffer)
}

func readUDP(conn *net.UDPConn, put func([]byte)) error {
	var align mpegts.Aligner
	buf := make([]byte, 64<<10)
	for {
		n, _, err := conn.ReadFromUDP(buf)
		if err != nil {
			return err
		}
		packets, err := align.Write(bare(buf[:n]))
		if err != nil {
			return err
		}
		if len(packets) > 0 {
			put(packets)
		}
	}
}

// bare takes the header of RTP off (RFC 3550, section 5.1). A transport packet
// begins with 0x47, which is no RTP of version 2.
func bare(b []byte) []byte {
	const payloadMP2T = 33
	if len(b) < 12 || b[0]>>6 != 2 || b[1]&0x7F != payloadMP2T {
		return b
	}
	head := 12 + 4*int(b[0]&0x0F)
	if b[0]&0x10 != 0 && len(b) >= head+4 {
		head += 4 + 4*(int(b[head+2])<<8|int(b[head+3]))
	}
	return b[min(head, len(b)):]
}
