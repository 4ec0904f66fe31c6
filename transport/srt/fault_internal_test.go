package srt

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/srt/packet"
)

// faulty is a Listener and a connection of it, without a network.
func faulty(t *testing.T) (*Listener, *Conn, datagram, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	l, err := Listen("127.0.0.1:0", Config{
		Logger:  slog.New(slog.NewTextHandler(log, nil)),
		Refused: func(Refusal) { panic("in Refused") },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	d := datagram{from: netip.MustParseAddrPort("127.0.0.1:9"), arrived: time.Now()}
	hello := packet.Handshake{Version: 5, MTU: 1500, Type: packet.Conclusion, Socket: 7}
	extensions := hello.AppendExtended(nil, packet.Extensions{HS: &packet.HS{Version: 0x10501, Flags: ourFlags}})[48:]
	r, refused := newRequest(l, d, packet.Control{}, hello, extensions)
	if refused == nil {
		refused = l.offer(r)
	}
	if refused != nil {
		t.Fatal(refused.err)
	}
	c, err := r.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return l, c, d, log
}

// What panics ends one connection, and neither the process nor the others.
func TestFaultOfAPacket(t *testing.T) {
	l, c, d, log := faulty(t)
	d.data = control(packet.TypeHandshake, 0) // Malformed.
	l.packet(d)
	if !strings.Contains(log.String(), "in Refused") {
		t.Errorf("log: %s", log)
	}
	c.version, c.target = 4, nil // The answer goes nowhere.
	d.data = append(control(packet.TypeUser, c.id), packet.HS{}.Append(nil)...)
	d.data[3] = byte(packet.ExtensionHSRequest)
	l.packet(d)
	c.target = &target{}
	if err := c.reason(); !errors.Is(err, ErrFault) {
		t.Errorf("ended with %v", err)
	}
}

func control(kind packet.Type, to uint32) []byte {
	return packet.Control{Type: kind, Destination: to}.Append(nil)
}

func TestFaultOfATurn(t *testing.T) {
	_, c, _, log := faulty(t)
	// Without a secret.
	c.keyRequest = packet.KeyMaterial{
		Keys: packet.EvenKey, Cipher: packet.CipherCTR, KeyLength: 16, Wrapped: make([]byte, 24),
	}.Append(nil)
	if err := c.Receive(func([]byte) error { return nil }); !errors.Is(err, ErrFault) {
		t.Errorf("Receive: %v", err)
	}
	if !strings.Contains(log.String(), "srt packet caused a fault") {
		t.Errorf("log: %s", log)
	}
}
