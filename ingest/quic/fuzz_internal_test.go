package quic

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go/quicvarint"
)

// The bytes of docs/ts-over-quic.md, "Example".
var exampleHello = []byte{
	0x01, 0x16, // HELLO, 22 bytes
	0x01, 0x09, 'l', 'i', 'v', 'e', '/', 'c', 'a', 'm', '1', // name
	0x02, 0x02, 'h', 'i', // token
	0x03, 0x02, 0x40, 0x78, // latency 120 ms
	0x04, 0x01, 0x01, // datagrams
}

func TestHelloOnTheWire(t *testing.T) {
	m, err := readMessage(quicvarint.NewReader(bytes.NewReader(exampleHello)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseHello(m)
	if err != nil {
		t.Fatal(err)
	}
	want := hello{name: "live/cam1", token: "hi", latency: 120 * time.Millisecond, mode: ModeDatagram}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(hello{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMalformedMessages(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
	}{
		{"an integer of no bytes", []byte{0x01, 0x02, 0x04, 0x00}},
		{"cut short", exampleHello[:9]},
		{"longer than allowed", []byte{0x01, 0x80, 0x01, 0x00, 0x00}},
		{"a parameter runs over", []byte{0x01, 0x03, 0x01, 0x09, 'l'}},
		{"a parameter twice", []byte{0x01, 0x06, 0x01, 0x01, 'a', 0x01, 0x01, 'b'}},
		{"unknown mode", []byte{0x01, 0x06, 0x01, 0x01, 'a', 0x04, 0x01, 0x07}},
		{"another message", []byte{0x04, 0x00}},
	} {
		m, err := readMessage(quicvarint.NewReader(bytes.NewReader(c.in)))
		if err == nil {
			_, err = parseHello(m)
		}
		if !errors.Is(err, errProtocol) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Whatever is read can be written and read again.
func FuzzMessages(f *testing.F) {
	f.Add(exampleHello)
	f.Add(hello{name: "live/cam1", token: "t", latency: time.Second, mode: ModeDatagram}.message().encode())
	f.Add((&report{packetsSent: 1 << 40, lost: 3}).message().encode())
	f.Add(endMessage(77).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		r := quicvarint.NewReader(bytes.NewReader(b))
		for {
			m, err := readMessage(r)
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, errProtocol) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatal(err)
				}
				return
			}
			again, err := readMessage(quicvarint.NewReader(bytes.NewReader(m.encode())))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(m, again, cmp.AllowUnexported(message{}, param{})); diff != "" {
				t.Fatal(diff)
			}
			if h, err := parseHello(m); err == nil && (h.latency < 0 || h.mode > ModeDatagram) {
				t.Fatalf("%+v", h)
			}
			if p, err := parseReport(m); err == nil {
				if again, err := parseReport(p.message()); err != nil || again != p {
					t.Fatalf("%+v, %+v, %v", p, again, err)
				}
			}
		}
	})
}

func FuzzDatagram(f *testing.F) {
	f.Add(appendDatagram(nil, 5, bytes.Repeat(append([]byte{syncByte}, make([]byte, packetSize-1)...), 6)))
	f.Add([]byte{0xFF})
	f.Fuzz(func(t *testing.T, b []byte) {
		seq, packets, err := parseDatagram(b)
		if err != nil {
			if !errors.Is(err, errProtocol) {
				t.Fatal(err)
			}
			return
		}
		if len(packets)%packetSize != 0 || len(packets) == 0 || packets[0] != syncByte {
			t.Fatalf("%d bytes", len(packets))
		}
		if s, p, err := parseDatagram(appendDatagram(nil, seq, packets)); err != nil || s != seq || !bytes.Equal(p, packets) {
			t.Fatal(s, err)
		}
	})
}

func FuzzURL(f *testing.F) {
	f.Add("quic://host:4443/live/cam1?token=x&latency=120&mode=datagram")
	f.Fuzz(func(t *testing.T, raw string) {
		cfg, err := ParseURL(raw)
		if err == nil && (cfg.Name == "" || cfg.Latency < 0 || cfg.Latency > maxLatency) {
			t.Fatalf("%q: %+v", raw, cfg)
		}
	})
}
