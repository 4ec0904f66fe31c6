package packet_test

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/transport/srt/packet"
)

// Every prefix of a good packet is malformed or shorter, never a panic.
func TestCutAnywhere(t *testing.T) {
	raw := unhex(t, libsrtConclusion)
	for n := range raw {
		_, field, err := packet.ParseControl(raw[:n])
		if n < packet.HeaderSize {
			if !errors.Is(err, packet.ErrMalformed) {
				t.Fatalf("header of %d bytes: %v", n, err)
			}
			continue
		}
		_, rest, err := packet.ParseHandshake(field)
		if n < 64 {
			if !errors.Is(err, packet.ErrMalformed) {
				t.Fatalf("handshake of %d bytes: %v", n, err)
			}
			continue
		}
		whole := n == 64 || n == 80 || n == 112 // Where one extension ends.
		if _, err := packet.ParseExtensions(rest); errors.Is(err, packet.ErrMalformed) == whole {
			t.Errorf("extensions cut at %d: %v", n, err)
		}
	}
}

func TestExtensions(t *testing.T) {
	long := make([]byte, 4+516)
	binary.BigEndian.PutUint16(long, uint16(packet.ExtensionStreamID))
	binary.BigEndian.PutUint16(long[2:], 516/4)
	tests := []struct {
		name string
		raw  []byte
		want packet.Extensions
		bad  bool
	}{
		{"none", nil, packet.Extensions{}, false},
		{"unknown is skipped", []byte{0, 99, 0, 1, 1, 2, 3, 4, 0, 6, 0, 1, 'e', 'v', 'i', 'l'}, packet.Extensions{Congestion: "live"}, false},
		{"group", []byte{0, 8, 0, 2, 0x40, 0, 0, 1, 1, 0, 0, 0}, packet.Extensions{Group: true}, false},
		{"filter", []byte{0, 7, 0, 1, 0, 'c', 'e', 'f'}, packet.Extensions{Filter: "fec"}, false},
		{"empty text", []byte{0, 5, 0, 0}, packet.Extensions{}, false},
		{"longer than the packet", []byte{0, 5, 0xFF, 0xFF, 1, 2, 3, 4}, packet.Extensions{}, true},
		{"short handshake extension", []byte{0, 1, 0, 1, 1, 2, 3, 4}, packet.Extensions{}, true},
		{"long stream id", long, packet.Extensions{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := packet.ParseExtensions(tt.raw)
			if errors.Is(err, packet.ErrMalformed) != tt.bad {
				t.Fatalf("error %v", err)
			}
			if err == nil {
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestKeyMaterialIsChecked(t *testing.T) {
	good := packet.KeyMaterial{Keys: packet.BothKeys, Cipher: packet.CipherCTR, KeyLength: 24, Wrapped: make([]byte, 56)}.Append(nil)
	if _, err := packet.ParseKeyMaterial(good); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		at    int
		value byte
	}{
		{"version", 0, 0x22},
		{"packet type", 0, 0x11},
		{"sign", 1, 0x21},
		{"no key", 3, 0},
		{"one key less", 3, 1},
		{"key encrypting key", 7, 1},
		{"encapsulation", 10, 1},
		{"no salt", 14, 0},
		{"long salt", 14, 255},
		{"no key length", 15, 0},
		{"odd key length", 15, 5},
		{"longer keys", 15, 8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad := append([]byte(nil), good...)
			bad[tt.at] = tt.value
			if _, err := packet.ParseKeyMaterial(bad); !errors.Is(err, packet.ErrMalformed) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestPeerIP(t *testing.T) {
	for _, text := range []string{"192.0.2.1", "2001:db8::1"} {
		h, _, err := packet.ParseHandshake(packet.Handshake{PeerIP: netip.MustParseAddr(text)}.Append(nil))
		if err != nil || h.PeerIP.String() != text {
			t.Errorf("%s comes back as %v, %v", text, h.PeerIP, err)
		}
	}
	mapped := packet.Handshake{PeerIP: netip.MustParseAddr("::ffff:192.0.2.1")}.Append(nil)
	if h, _, err := packet.ParseHandshake(mapped); err != nil || h.PeerIP.String() != "192.0.2.1" {
		t.Errorf("mapped: %v, %v", h.PeerIP, err)
	}
}

func TestLossListKeepsItsLimit(t *testing.T) {
	b := make([]byte, packet.HeaderSize, 64)
	b, ok := packet.AppendRange(b, packet.Range{First: 1, Last: 2}, packet.HeaderSize+12)
	if !ok {
		t.Fatal("does not fit")
	}
	if _, ok := packet.AppendRange(b, packet.Range{First: 4, Last: 5}, packet.HeaderSize+12); ok {
		t.Error("longer than the limit")
	}
	if _, ok := packet.AppendRange(b, packet.Range{First: 4, Last: 4}, packet.HeaderSize+12); !ok {
		t.Error("a single number does not fit")
	}
}

func TestLossListStopsAtNonsense(t *testing.T) {
	tests := []struct {
		name string
		raw  string
		want int
	}{
		{"range without end", "0000000180000005", 1},
		{"range that ends in a range", "000000018000000580000009", 1},
		{"odd bytes", "000000010000", 1},
		{"empty", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			for range packet.Losses(unhex(t, tt.raw)) {
				n++
			}
			if n != tt.want {
				t.Errorf("%d ranges, want %d", n, tt.want)
			}
		})
	}
	for range packet.Losses(unhex(t, "0000000100000002")) {
		break // Must not yield again.
	}
}

func TestDropRequest(t *testing.T) {
	want := packet.Range{First: packet.MaxSequence, Last: 3}
	if got, err := packet.ParseDropRequest(packet.AppendDropRequest(nil, want)); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, raw := range []string{"", "00000001000000", "8000000100000002", "0000000180000002"} {
		if _, err := packet.ParseDropRequest(unhex(t, raw)); !errors.Is(err, packet.ErrMalformed) {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestSmallACK(t *testing.T) {
	full := packet.ACK{Next: 1, RTT: 2, RTTVar: 3, Available: 4, Rate: 5, Capacity: 6, ByteRate: 7}.Append(nil)
	for n, want := range map[int]packet.ACK{
		4: {Next: 1}, 15: {Next: 1}, 16: {Next: 1, RTT: 2, RTTVar: 3, Available: 4}, 24: {Next: 1, RTT: 2, RTTVar: 3, Available: 4},
	} {
		if got, err := packet.ParseACK(full[:n]); err != nil || got != want {
			t.Errorf("%d bytes: %+v, %v", n, got, err)
		}
	}
	if _, err := packet.ParseACK(full[:3]); !errors.Is(err, packet.ErrMalformed) {
		t.Errorf("3 bytes: %v", err)
	}
}

// What happens for every packet allocates nothing.
func TestNoAllocation(t *testing.T) {
	data := packet.Data{Sequence: 1, Message: 1}.Append(nil)
	data = append(data, make([]byte, 1316)...)
	out := make([]byte, 0, 1500)
	var sum uint32
	if n := testing.AllocsPerRun(100, func() {
		d, payload, _ := packet.ParseData(data)
		sum += d.Sequence + uint32(len(payload))
		b := packet.Control{Type: packet.TypeACK, Info: 1}.Append(out[:0])
		b = packet.ACK{Next: d.Sequence}.Append(b)
		c, field, _ := packet.ParseControl(b)
		a, _ := packet.ParseACK(field)
		sum += c.Info + a.Next
		b, _ = packet.AppendRange(out[:0], packet.Range{First: 1, Last: 4}, 100)
		for r := range packet.Losses(b) {
			sum += r.First
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
