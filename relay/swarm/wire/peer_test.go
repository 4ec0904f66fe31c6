package wire_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// peerVector is one message as docs/swarm-protocol.md writes it; the browser's
// codec replays the same file. With an error there is no message.
type peerVector struct {
	Name    string            `json:"name"`
	Hex     string            `json:"hex"`
	Message *wire.PeerMessage `json:"message,omitempty"`
	Error   bool              `json:"error,omitempty"`
}

const peerVectorFile = "testdata/peer.json"

func peerVectors(tb testing.TB) []peerVector {
	tb.Helper()
	b, err := os.ReadFile(filepath.FromSlash(peerVectorFile))
	if err != nil {
		tb.Fatal(err)
	}
	var vectors []peerVector
	if err := json.Unmarshal(b, &vectors); err != nil {
		tb.Fatal(err)
	}
	return vectors
}

func (v peerVector) bytes(tb testing.TB) []byte {
	tb.Helper()
	b, err := hex.DecodeString(v.Hex)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestPeerVectors(t *testing.T) {
	for _, v := range peerVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			got, err := wire.ParsePeer(v.bytes(t))
			if v.Error {
				if !errors.Is(err, wire.ErrPeerMessage) {
					t.Fatalf("%+v, %v, want ErrPeerMessage", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(*v.Message, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("message (-want +got):\n%s", d)
			}
			b, err := wire.AppendPeer(nil, v.Message)
			if err != nil || hex.EncodeToString(b) != v.Hex {
				t.Errorf("wrote %x, %v", b, err)
			}
		})
	}
}

// What cannot be said in vectors that are to be read: sizes at their bounds.
func TestPeerBounds(t *testing.T) {
	piece := func(size, offset, n int) *wire.PeerMessage {
		return &wire.PeerMessage{Type: wire.PeerPiece, Offset: offset, Size: size, Bytes: make([]byte, n)}
	}
	for _, tt := range []struct {
		name string
		m    *wire.PeerMessage
		ok   bool
	}{
		{"a whole small piece", piece(10, 0, 10), true},
		{"last part", piece(32768, 32767, 1), true},
		{"largest message", piece(32768, 0, wire.MaxPeerMessage-8), true},
		{"a byte more", piece(32768, 0, wire.MaxPeerMessage-7), false},
		{"larger than a piece", piece(32769, 0, 100), false},
		{"over its end", piece(100, 50, 51), false},
		{"nothing", piece(100, 50, 0), false},
		{"of nothing", piece(0, 0, 0), false},
		{"negative offset", piece(10, -1, 10), false},
		{"token", &wire.PeerMessage{Type: wire.PeerHello, Token: make([]byte, 512)}, true},
		{"token too long", &wire.PeerMessage{Type: wire.PeerHello, Token: make([]byte, 513)}, false},
		{"group over 2^53", &wire.PeerMessage{Type: wire.PeerSub, ID: swarm.PieceID{Group: 1 << 53}}, false},
		{"sub over 31", &wire.PeerMessage{Type: wire.PeerUnsub, Sub: 32}, false},
		{"unknown type", &wire.PeerMessage{Type: 99}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, err := wire.AppendPeer([]byte("before"), tt.m)
			if (err == nil) != tt.ok {
				t.Fatalf("error %v", err)
			}
			if !tt.ok {
				if string(b) != "before" {
					t.Errorf("left %d bytes of a message that failed", len(b))
				}
				return
			}
			got, err := wire.ParsePeer(b[len("before"):])
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(*tt.m, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("message (-want +got):\n%s", d)
			}
		})
	}
}

func TestPeerTooLong(t *testing.T) {
	b := make([]byte, wire.MaxPeerMessage+1)
	b[0] = byte(wire.PeerBeacon)
	if _, err := wire.ParsePeer(b); !errors.Is(err, wire.ErrPeerMessage) {
		t.Errorf("error %v", err)
	}
	if m, err := wire.ParsePeer(b[:wire.MaxPeerMessage]); err != nil || len(m.Bytes) != wire.MaxPeerMessage-1 {
		t.Errorf("%d bytes, %v", len(m.Bytes), err)
	}
}

// FuzzPeerMessage: whatever comes, it is a message or an error of the peer; what
// was understood means the same when it is written again.
func FuzzPeerMessage(f *testing.F) {
	for _, v := range peerVectors(f) {
		f.Add(v.bytes(f))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := wire.ParsePeer(b)
		if err != nil {
			if !errors.Is(err, wire.ErrPeerMessage) {
				t.Errorf("unexpected error %v", err)
			}
			return
		}
		again, err := wire.AppendPeer(nil, &m)
		if err != nil {
			t.Fatalf("%+v was read but cannot be written: %v", m, err)
		}
		if len(again) > len(b) {
			t.Errorf("%x has become longer: %x", b, again)
		}
		m2, err := wire.ParsePeer(again)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(m, m2, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("changed (-first +second):\n%s", d)
		}
	})
}
