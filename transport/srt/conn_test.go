package srt_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/datarhei/gosrt/crypto"
	gosrt "github.com/datarhei/gosrt/packet"

	"github.com/freshet-live/freshet/transport/srt"
	"github.com/freshet-live/freshet/transport/srt/packet"
)

// A connection is the peer's address, not only its number.
func TestOtherAddressesAreIgnored(t *testing.T) {
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	in := p.connect(l)
	stranger := newPeer(t, l.addr.String())
	stranger.to = p.to
	stranger.data(0, func(d *packet.Data) { d.Sequence = 1001 })
	stranger.send(packet.AppendEmptyField(control(packet.TypeShutdown, 0, 0, 0, p.to)))
	p.data(0, nil)
	p.data(1, nil)
	checkNumbered(t, in.wait(t, 2))
}

func TestLossIsAskedForAgain(t *testing.T) {
	l := start(t, srt.Config{Latency: time.Second})
	p := newPeer(t, l.addr.String())
	in := p.connect(l)
	p.data(0, nil)
	p.data(3, nil)
	_, field, err := p.receive(packet.TypeNAK)
	if err != nil {
		t.Fatal(err)
	}
	for r := range packet.Losses(field) {
		if (r != packet.Range{First: 1001, Last: 1002}) {
			t.Errorf("asks for %+v", r)
		}
	}
	p.data(1, func(d *packet.Data) { d.Retransmitted = true })
	got := in.wait(t, 3) // Number 2 is given up.
	if got[1] != string(numbered(1)) || got[2] != string(numbered(3)) {
		t.Error("not in order")
	}
	if s := in.conn.Stats(); s.PktRcvRetrans != 1 || s.PktRcvLoss != 2 || s.PktRcvDrop != 1 || s.PktSentNAK == 0 {
		t.Errorf("statistics %+v", s)
	}
}

// What the peer drops is not waited for.
func TestDropRequest(t *testing.T) {
	l := start(t, srt.Config{Latency: 20 * time.Second})
	p := newPeer(t, l.addr.String())
	p.connect(l)
	p.data(0, nil)
	p.data(2, nil)
	p.send(packet.AppendDropRequest(control(packet.TypeDropRequest, 0, 0, 0, p.to), packet.Range{First: 1001, Last: 1001}))
	for next := uint32(0); next != 1003; {
		_, field, err := p.receive(packet.TypeACK)
		if err != nil {
			t.Fatalf("acknowledged up to %d: %v", next, err)
		}
		a, err := packet.ParseACK(field)
		if err != nil {
			t.Fatal(err)
		}
		next = a.Next
		if next == 1001 {
			p.data(2, nil) // The peer sends on.
		}
	}
}

// An ACK that is not answered is repeated, when nothing else comes to wake anybody.
func TestACKIsRepeated(t *testing.T) {
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	p.connect(l)
	p.data(0, nil)
	soonest := time.Hour
	last := uint32(0)
	for i := range 4 {
		header, _, err := p.receive(packet.TypeACK)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			soonest = min(soonest, time.Duration(header.Timestamp-last)*time.Microsecond)
		}
		last = header.Timestamp
	}
	if soonest >= keepAlive {
		t.Errorf("after %v", soonest)
	}
}

// A packet that comes alone is handed on when it is due, though nothing follows it
// that would wake anybody.
func TestSinglePacketIsOnTime(t *testing.T) {
	const latency = 300 * time.Millisecond
	soonest := time.Hour
	for range 3 {
		l := start(t, srt.Config{Latency: latency})
		p := newPeer(t, l.addr.String())
		in := p.connect(l)
		began := time.Now()
		p.data(0, func(d *packet.Data) { d.Timestamp = 50_000 })
		in.wait(t, 1)
		soonest = min(soonest, time.Since(began))
	}
	if soonest >= keepAlive/2+latency/2 {
		t.Errorf("after %v", soonest)
	}
}

// keepAlive is when a connection wakes up in any case.
const keepAlive = time.Second

func TestACKIsAnswered(t *testing.T) {
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	in := p.connect(l)
	p.data(0, nil)
	header, field, err := p.receive(packet.TypeACK)
	if err != nil {
		t.Fatal(err)
	}
	a, err := packet.ParseACK(field)
	if err != nil || a.Next != 1001 || header.Info != 1 || a.Available == 0 {
		t.Errorf("ACK %d: %+v, %v", header.Info, a, err)
	}
	time.Sleep(30 * time.Millisecond) // The round trip.
	p.send(control(packet.TypeACKACK, 0, header.Info, 100_000, p.to))
	waitFor(t, "a round-trip time", func() bool { return in.conn.Stats().MsRTT != 100 })
	if rtt := in.conn.Stats().MsRTT; rtt < 25 {
		t.Errorf("RTT %v ms", rtt)
	}
}

// The parity packets of a filter are no data.
func TestParityIsNoData(t *testing.T) {
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	p.induct()
	h, e := p.hello()
	e.Filter = "fec,cols:10"
	p.conclude(h, e)
	in := receiveAll(t, l.accept(t, ""))
	p.to = p.handshake().Socket
	d := packet.Data{Sequence: 1000, Position: packet.Single, Timestamp: 60_000, Destination: p.to}
	p.send(append(d.Append(nil), numbered(9)...))
	p.data(0, nil)
	checkNumbered(t, in.wait(t, 1))
}

// Without a filter there is no parity: some senders do not number messages.
func TestMessagesNeedNoNumbers(t *testing.T) {
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	in := p.connect(l)
	p.data(0, func(d *packet.Data) { d.Message = 0 })
	checkNumbered(t, in.wait(t, 1))
}

// A peer that sends nothing is told each second that we are there.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	p.connect(l)
	for range 2 {
		if _, _, err := p.receive(packet.TypeKeepAlive); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPeerIsSilent(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 7 s")
	}
	t.Parallel()
	l := start(t, srt.Config{})
	p := newPeer(t, l.addr.String())
	in := p.connect(l)
	began := time.Now()
	time.Sleep(2 * time.Second)
	p.send(packet.AppendEmptyField(control(packet.TypeKeepAlive, 0, 0, 0, p.to))) // Is a sign of life.
	if err := in.end(t); !errors.Is(err, srt.ErrPeerSilent) {
		t.Errorf("Receive: %v", err)
	}
	if d := time.Since(began); d < 6900*time.Millisecond {
		t.Errorf("given up after %v", d)
	}
	in.conn.Close()
	if _, _, err := p.receive(packet.TypeShutdown); err != nil {
		t.Errorf("not told: %v", err)
	}
}

// encrypting is a peer with keys of gosrt's.
type encrypting struct {
	*rawPeer
	crypto.Crypto
}

func newEncrypting(t *testing.T, l *listener) (encrypting, *inbox) {
	t.Helper()
	c, err := crypto.New(16)
	if err != nil {
		t.Fatal(err)
	}
	p := encrypting{newPeer(t, l.addr.String()), c}
	p.induct()
	h, e := p.hello()
	e.Key = p.material(gosrt.EvenKeyEncrypted)
	p.conclude(h, e)
	in := receiveAll(t, l.accept(t, "correct-horse"))
	_, field, err := p.receive(packet.TypeHandshake)
	if err != nil {
		t.Fatal(err)
	}
	answer, rest, err := packet.ParseHandshake(field)
	if err != nil {
		t.Fatal(err)
	}
	if told, err := packet.ParseExtensions(rest); err != nil || !bytes.Equal(told.Key, e.Key) {
		t.Errorf("the answer has the keys %x, %v", told.Key, err)
	}
	p.to = answer.Socket
	return p, in
}

func (p encrypting) material(key gosrt.PacketEncryption) []byte {
	p.t.Helper()
	var m gosrt.CIFKeyMaterialExtension
	var raw bytes.Buffer
	if err := errors.Join(p.MarshalKM(&m, "correct-horse", key), m.Marshal(&raw)); err != nil {
		p.t.Fatal(err)
	}
	return raw.Bytes()
}

func (p encrypting) encrypted(n int, key gosrt.PacketEncryption) {
	p.t.Helper()
	d := packet.Data{
		Sequence: uint32(1000 + n), Position: packet.Single, Key: packet.Key(key), Message: uint32(1 + n),
		Timestamp: uint32(60_000 + 1000*n), Destination: p.to,
	}
	payload := numbered(n)
	if err := p.EncryptOrDecryptPayload(payload, key, d.Sequence); err != nil {
		p.t.Fatal(err)
	}
	p.send(append(d.Append(nil), payload...))
}

// What has no key, and what comes in clear, is counted and not handed on; new
// keys are taken and told so.
func TestOnlyDecryptedPacketsPass(t *testing.T) {
	l := start(t, srt.Config{})
	p, in := newEncrypting(t, l)
	p.encrypted(0, gosrt.EvenKeyEncrypted)
	p.data(1, nil) // In clear.
	p.encrypted(1, gosrt.EvenKeyEncrypted)
	p.encrypted(2, gosrt.OddKeyEncrypted) // A key that was not told.
	p.encrypted(3, gosrt.EvenKeyEncrypted)
	got := in.wait(t, 3)
	if got[0] != string(numbered(0)) || got[1] != string(numbered(1)) || got[2] != string(numbered(3)) {
		t.Error("handed on what it should not")
	}
	if s := in.conn.Stats(); s.PktRcvUndecrypt != 2 || s.PktSentNAK != 0 {
		t.Errorf("statistics %+v", s)
	}

	odd := p.material(gosrt.OddKeyEncrypted)
	for range 2 { // The answer may be lost.
		p.send(append(control(packet.TypeUser, packet.ExtensionKeyRequest, 0, 70_000, p.to), odd...))
		header, field, err := p.receive(packet.TypeUser)
		if err != nil || header.Subtype != uint16(packet.ExtensionKeyResponse) || !bytes.Equal(field, odd) {
			t.Fatalf("answer %+v, %x, %v", header, field, err)
		}
	}
	p.encrypted(4, gosrt.OddKeyEncrypted)
	if got := in.wait(t, 4); got[3] != string(numbered(4)) {
		t.Error("the new key does not work")
	}
}

// What is encrypted with new keys may come right behind them.
func TestNewKeysHoldAtOnce(t *testing.T) {
	l := start(t, srt.Config{})
	p, in := newEncrypting(t, l)
	p.send(append(control(packet.TypeUser, packet.ExtensionKeyRequest, 0, 50_000, p.to), p.material(gosrt.OddKeyEncrypted)...))
	for n := range 3 {
		p.encrypted(n, gosrt.OddKeyEncrypted)
	}
	checkNumbered(t, in.wait(t, 3))
	if s := in.conn.Stats(); s.PktRcvUndecrypt != 0 {
		t.Errorf("statistics %+v", s)
	}
}

// Keys that the passphrase does not open change nothing and are not answered.
func TestForeignKeysAreRefused(t *testing.T) {
	l := start(t, srt.Config{})
	p, in := newEncrypting(t, l)
	bad := p.material(gosrt.EvenKeyEncrypted)
	bad[len(bad)-1] ^= 1
	p.send(append(control(packet.TypeUser, packet.ExtensionKeyRequest, 0, 70_000, p.to), bad...))
	p.send(control(packet.TypeUser, packet.ExtensionKeyRequest, 0, 70_000, p.to)) // Nor is nothing.
	p.encrypted(0, gosrt.EvenKeyEncrypted)
	checkNumbered(t, in.wait(t, 1))
}
