package quicconn

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
)

func TestSmallBuffersAreTold(t *testing.T) {
	const remedy = "sysctl -w net.core.rmem_max="
	for _, tt := range []struct {
		size int
		want bool
	}{{64 << 10, true}, {wantBuffer, false}} {
		var log bytes.Buffer
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := errors.Join(conn.SetReadBuffer(tt.size), conn.SetWriteBuffer(tt.size)); err != nil {
			t.Fatal(err)
		}
		if receive, send, err := bufferSizes(conn); err != nil || !tt.want && min(receive, send) < wantBuffer {
			t.Skipf("this kernel gives %d and %d, %v", receive, send, err)
		}
		warnSmallBuffers(conn, slog.New(slog.NewTextHandler(&log, nil)))
		if got := strings.Contains(log.String(), remedy); got != tt.want {
			t.Errorf("buffers of %d: %q", tt.size, &log)
		}
	}
}

func TestNetworkOfAddress(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7:1":           "192.0.2.7/32",
		"[::ffff:192.0.2.7]:1":  "192.0.2.7/32",
		"[2001:db8:1:2:3::4]:1": "2001:db8:1:2::/64",
		"[fe80::1%lo]:1":        "fe80::/64",
	} {
		udp, err := net.ResolveUDPAddr("udp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := network(udp).String(); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
