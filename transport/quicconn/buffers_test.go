package quicconn

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"
)

func TestSmallBuffersAreToldOnce(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	for range 2 {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.(*net.UDPConn).SetReadBuffer(64 << 10); err != nil {
			t.Fatal(err)
		}
		warnSmallBuffers(conn, logger)
	}
	if got := strings.Count(log.String(), "sysctl -w net.core.rmem_max="); got != 1 {
		t.Errorf("%d warnings:\n%s", got, &log)
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
