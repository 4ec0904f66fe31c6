package packet_test

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/transport/srt/packet"
)

// FuzzParse: whatever the network sends, no parser panics or gives more than it
// was given.
func FuzzParse(f *testing.F) {
	f.Add(unhex(f, libsrtConclusion))
	f.Add(packet.AppendDropRequest(packet.Control{Type: packet.TypeDropRequest}.Append(nil), packet.Range{First: 1, Last: 1 << 30}))
	f.Add(packet.ACK{Next: 1}.Append(packet.Control{Type: packet.TypeACK}.Append(nil)))
	f.Add(append(packet.Control{Type: packet.TypeNAK}.Append(nil), 0x80, 0, 0, 1, 0, 0, 0, 9))
	f.Add(append(packet.Control{Type: packet.TypeUser, Subtype: uint16(packet.ExtensionKeyRequest)}.Append(nil), unhex(f, libsrtKeys)...))
	f.Add(append(packet.Data{Sequence: 5, Key: packet.OddKey}.Append(nil), "payload"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, payload, err := packet.ParseData(b); err == nil {
			if again := append(d.Append(nil), payload...); !bytes.Equal(again, b) {
				t.Errorf("data %x becomes %x", b, again)
			}
		}
		c, field, err := packet.ParseControl(b)
		if err != nil {
			return
		}
		if again := append(c.Append(nil), field...); !bytes.Equal(again, b) {
			t.Errorf("control %x becomes %x", b, again)
		}
		n := 0
		for range packet.Losses(field) {
			n++
		}
		if n > len(field)/4 {
			t.Errorf("%d ranges in %d bytes", n, len(field))
		}
		_, _ = packet.ParseACK(field)
		_, _ = packet.ParseDropRequest(field)
		_, _ = packet.ParseHS(field)
		if k, err := packet.ParseKeyMaterial(field); err == nil && k.Append(nil) == nil {
			t.Error("no key material")
		}
		if _, rest, err := packet.ParseHandshake(field); err == nil {
			if e, err := packet.ParseExtensions(rest); err == nil && len(e.StreamID) > 512 {
				t.Errorf("a stream id of %d bytes", len(e.StreamID))
			}
		}
	})
}

func FuzzHandshakeRoundTrip(f *testing.F) {
	f.Add(uint32(5), uint32(7), "live/cam1", "live", []byte{1, 2, 3, 4}, true, []byte{127, 0, 0, 1})
	f.Add(uint32(4), uint32(packet.MaxSequence), "", "", []byte{}, false, bytes.Repeat([]byte{0xFE}, 16))
	f.Fuzz(func(t *testing.T, version, sequence uint32, id, congestion string, key []byte, response bool, ip []byte) {
		if len(id) > 512 || len(congestion) > 512 || bytes.IndexByte([]byte(id+congestion), 0) >= 0 || len(key)%4 != 0 {
			return
		}
		addr, _ := netip.AddrFromSlice(ip)
		h := packet.Handshake{Version: version, Sequence: sequence & packet.MaxSequence, PeerIP: addr, Type: packet.Conclusion}
		e := packet.Extensions{HS: &packet.HS{Version: version}, StreamID: id, Congestion: congestion, Response: response}
		if len(key) > 0 {
			e.Key = key
		}
		got, rest, err := packet.ParseHandshake(h.AppendExtended(nil, e))
		if err != nil || got.Version != h.Version || got.Sequence != h.Sequence {
			t.Fatalf("%+v, %v", got, err)
		}
		again, err := packet.ParseExtensions(rest)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Error(diff)
		}
	})
}
