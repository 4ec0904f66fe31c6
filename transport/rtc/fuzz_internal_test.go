package rtc

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// FuzzDescription: what is let through names one certificate, wherever pion looks for
// it, and that is the peer's.
func FuzzDescription(f *testing.F) {
	fingerprint := strings.Repeat("0f", 32)
	shown := "a=fingerprint:sha-256 " + strings.Repeat("0F:", 31) + "0F\r\n"
	written := offerOf(f)
	var ours strings.Builder
	for line := range strings.Lines(written) {
		if strings.HasPrefix(line, "a=fingerprint:") {
			line = shown
		}
		ours.WriteString(line)
	}
	for _, sdp := range []string{
		written, ours.String(), ours.String() + "a=fingerprint:sha-1 AB\r\n", ours.String() + "A=FingerPrint:sha-256 AB\r\n",
		ours.String() + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", strings.ReplaceAll(ours.String(), "\r\n", "\n"), "v=0\r\n" + shown, "",
	} {
		f.Add(sdp)
	}
	f.Fuzz(func(t *testing.T, sdp string) {
		if err := checkDescription(sdp, fingerprint); err != nil {
			if !errors.Is(err, ErrViolation) && !errors.Is(err, ErrIdentity) {
				t.Fatal(err)
			}
			return
		}
		description := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sdp}
		parsed, err := description.Unmarshal()
		if err != nil {
			return // pion refuses it.
		}
		attributes := parsed.Attributes
		for _, m := range parsed.MediaDescriptions {
			if m.MediaName.Media != "application" {
				t.Fatalf("media %q in\n%s", m.MediaName.Media, sdp)
			}
			attributes = append(attributes, m.Attributes...)
		}
		for _, a := range attributes {
			if strings.EqualFold(a.Key, "fingerprint") && !sameFingerprint(a.Value, fingerprint) {
				t.Fatalf("pion sees the fingerprint %q in\n%s", a.Value, sdp)
			}
		}
	})
}

// offerOf is what pion writes.
func offerOf(tb testing.TB) string {
	tb.Helper()
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		tb.Fatal(err)
	}
	defer pc.Close()
	if _, err := pc.CreateDataChannel("control", nil); err != nil {
		tb.Fatal(err)
	}
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return offer.SDP
}

// FuzzAssembler takes messages of the channel `pieces` as they come, each behind its
// length in two bytes and the tenths of a second since the last one in one: a piece
// that is handed on has every byte from where a part put it, and what is unfinished
// is bounded.
func FuzzAssembler(f *testing.F) {
	write := func(parts ...wire.PeerMessage) (b []byte) {
		for _, m := range parts {
			m.Type = wire.PeerPiece
			text, err := wire.AppendPeer(nil, &m)
			if err != nil {
				f.Fatal(err)
			}
			b = append(append(b, byte(len(text)>>8), byte(len(text)), 1), text...)
		}
		return b
	}
	part := func(n uint32, offset, size, length int) wire.PeerMessage {
		return wire.PeerMessage{ID: swarm.PieceID{Group: 9, N: n}, Offset: offset, Size: size, Bytes: make([]byte, length)}
	}
	f.Add(write(part(1, 0, 100, 100)))
	f.Add(write(part(1, 0, 100, 50), part(2, 0, 7, 7), part(1, 50, 100, 50)))
	f.Add(write(part(1, 50, 100, 50), part(1, 0, 100, 50)))
	f.Add(write(part(1, 0, 32768, 16000), part(1, 16000, 32768, 16000), part(1, 32000, 32768, 768)))
	f.Add(write(part(1, 0, 100, 60), part(1, 50, 100, 50)))
	f.Add(write(part(1, 0, 100, 50), part(1, 50, 101, 51)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var a assembler
		now := time.Unix(0, 0)
		want := make(map[swarm.PieceID][]byte)
		for len(b) >= 3 {
			n := min(int(b[0])<<8|int(b[1]), len(b)-3)
			now = now.Add(time.Duration(b[2]) * time.Second / 10)
			m, err := wire.ParsePeer(b[3 : 3+n])
			b = b[3+n:]
			if err != nil || m.Type != wire.PeerPiece {
				return // The connection ends.
			}
			if len(want[m.ID]) != m.Size || a.open[m.ID] == nil {
				want[m.ID] = make([]byte, m.Size)
			}
			copy(want[m.ID][m.Offset:], m.Bytes)
			piece, err := a.add(now, &m)
			if err != nil {
				if !errors.Is(err, ErrViolation) {
					t.Fatal(err)
				}
				return
			}
			if len(a.open) > maxOpen {
				t.Fatalf("%d pieces are unfinished", len(a.open))
			}
			if piece != nil && string(piece) != string(want[m.ID]) {
				t.Fatalf("piece %v has other bytes than its parts", m.ID)
			}
		}
	})
}
