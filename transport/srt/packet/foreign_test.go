package packet_test

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"

	"github.com/datarhei/gosrt/circular"
	gosrt "github.com/datarhei/gosrt/packet"
	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/transport/srt/packet"
)

// libsrtConclusion is what libsrt 1.5.1 sends for streamid=#!::r=live/cam1,m=publish,
// passphrase=correct-horse, pbkeylen=32 and latency=250, when the cookie is 01020304.
const libsrtConclusion = "80000000" + "00000000" + "00000402" + "00000000" +
	"00000005" + "00040007" + "25550e0d" + "000005dc" + "00002000" + "ffffffff" + "2242028a" + "01020304" +
	"0100007f000000000000000000000000" +
	"00010003" + "00010501" + "000000bf" + "00fa00fa" +
	"00050007" + "3a3a2123696c3d72632f65762c316d6175703d6d73696c6200000068" +
	"00030012" + libsrtKeys

const libsrtKeys = "12202901" + "00000000" + "02000200" + "00000408" +
	"a30eef6efdddcd128757a6cb2a6e8ac9" +
	"7ee93784719ec634d9fec5b5cd05c2cff318a085aa9bea79d27986dc793dc8e7bc5d6007af59b89f"

func unhex(tb testing.TB, text string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func addrs(a, b netip.Addr) bool { return a == b }

func TestLibsrtConclusion(t *testing.T) {
	raw := unhex(t, libsrtConclusion)
	control, field, err := packet.ParseControl(raw)
	if err != nil {
		t.Fatal(err)
	}
	if want := (packet.Control{Type: packet.TypeHandshake, Timestamp: 0x402}); control != want {
		t.Errorf("header %+v", control)
	}
	h, rest, err := packet.ParseHandshake(field)
	if err != nil {
		t.Fatal(err)
	}
	want := packet.Handshake{
		Version: 5, Encryption: 4, Extension: 7, Sequence: 0x25550e0d, MTU: 1500, FlowWindow: 8192,
		Type: packet.Conclusion, Socket: 0x2242028a, Cookie: 0x01020304, PeerIP: netip.MustParseAddr("127.0.0.1"),
	}
	if diff := cmp.Diff(want, h, cmp.Comparer(addrs)); diff != "" {
		t.Error(diff)
	}
	e, err := packet.ParseExtensions(rest)
	if err != nil {
		t.Fatal(err)
	}
	wantExtensions := packet.Extensions{
		HS:       &packet.HS{Version: 0x10501, Flags: 0xBF, ReceiverDelay: 250, SenderDelay: 250},
		Key:      unhex(t, libsrtKeys),
		StreamID: "#!::r=live/cam1,m=publish",
	}
	if diff := cmp.Diff(wantExtensions, e); diff != "" {
		t.Error(diff)
	}
	k, err := packet.ParseKeyMaterial(e.Key)
	if err != nil {
		t.Fatal(err)
	}
	if k.Keys != packet.EvenKey || k.Cipher != packet.CipherCTR || k.KeyLength != 32 || len(k.Wrapped) != 40 {
		t.Errorf("key material %+v", k)
	}
	if got := k.Append(nil); !bytes.Equal(got, e.Key) {
		t.Errorf("written again: %x", got)
	}
}

// What we write, gosrt reads, and the other way round.
func TestHandshakeAgainstGosrt(t *testing.T) {
	ours := packet.Handshake{
		Version: 5, Encryption: 2, Sequence: 77, MTU: 1500, FlowWindow: 8192,
		Type: packet.Conclusion, Socket: 99, Cookie: 0xCAFE, PeerIP: netip.MustParseAddr("192.0.2.7"),
	}
	extensions := packet.Extensions{
		HS: &packet.HS{
			Version: 0x10401, ReceiverDelay: 120, SenderDelay: 130,
			Flags: packet.FlagTSBPDSender | packet.FlagTSBPDReceiver | packet.FlagCrypt | packet.FlagTooLateDrop | packet.FlagPeriodicNAK | packet.FlagRetransmit,
		},
		Key:      packet.KeyMaterial{Keys: packet.EvenKey, Cipher: packet.CipherCTR, KeyLength: 16, Wrapped: make([]byte, 24)}.Append(nil),
		StreamID: "live/cam12",
	}
	raw := ours.AppendExtended(nil, extensions)
	var theirs gosrt.CIFHandshake
	if err := theirs.Unmarshal(raw); err != nil {
		t.Fatal(err)
	}
	if theirs.StreamId != "live/cam12" || theirs.SRTHS.RecvTSBPDDelay != 120 || theirs.SRTHS.SendTSBPDDelay != 130 ||
		!theirs.SRTHS.SRTFlags.REXMITFLG || theirs.SRTKM.KLen != 16 || theirs.PeerIP.String() != "192.0.2.7" {
		t.Errorf("gosrt reads %s", theirs.String())
	}
	theirs.IsRequest = true
	var again bytes.Buffer
	if err := theirs.Marshal(&again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Bytes(), raw) {
		t.Errorf("gosrt writes %x\nwe write     %x", again.Bytes(), raw)
	}
}

func TestACKAgainstGosrt(t *testing.T) {
	ours := packet.ACK{Next: 5, RTT: 1000, RTTVar: 200, Available: 8000, Rate: 570, Capacity: 9000, ByteRate: 750_000}
	var theirs gosrt.CIFACK
	if err := theirs.Unmarshal(ours.Append(nil)); err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	if err := theirs.Marshal(&raw); err != nil {
		t.Fatal(err)
	}
	got, err := packet.ParseACK(raw.Bytes())
	if err != nil || got != ours {
		t.Errorf("%+v, %v", got, err)
	}
	if err := theirs.Unmarshal(packet.AppendLightACK(nil, 6)); err != nil || !theirs.IsLite || theirs.LastACKPacketSequenceNumber.Val() != 6 {
		t.Errorf("light: %s, %v", theirs.String(), err)
	}
}

func TestLossListAgainstGosrt(t *testing.T) {
	var theirs gosrt.CIFNAK
	sequence := func(n uint32) circular.Number { return circular.New(n, packet.MaxSequence) }
	ranges := []packet.Range{{First: 5, Last: 5}, {First: 9, Last: 12}, {First: packet.MaxSequence, Last: 1}}
	var ours []byte
	for _, r := range ranges {
		theirs.LostPacketSequenceNumber = append(theirs.LostPacketSequenceNumber, sequence(r.First), sequence(r.Last))
		ours, _ = packet.AppendRange(ours, r, 100)
	}
	var raw bytes.Buffer
	if err := theirs.Marshal(&raw); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours, raw.Bytes()) {
		t.Errorf("ours %x, theirs %x", ours, raw.Bytes())
	}
	var got []packet.Range
	for r := range packet.Losses(raw.Bytes()) {
		got = append(got, r)
	}
	if diff := cmp.Diff(ranges, got); diff != "" {
		t.Error(diff)
	}
}

func TestDataAgainstGosrt(t *testing.T) {
	theirs := gosrt.NewPacket(nil)
	header := theirs.Header()
	header.PacketSequenceNumber = circular.New(0x7EDCBA98, packet.MaxSequence)
	header.PacketPositionFlag = gosrt.SinglePacket
	header.OrderFlag = true
	header.KeyBaseEncryptionFlag = gosrt.OddKeyEncrypted
	header.RetransmittedPacketFlag = true
	header.MessageNumber = 0x2345678
	header.Timestamp = 0xFEDCBA98
	header.DestinationSocketId = 0x11223344
	theirs.SetData([]byte("payload"))
	var raw bytes.Buffer
	if err := theirs.Marshal(&raw); err != nil {
		t.Fatal(err)
	}
	got, payload, err := packet.ParseData(raw.Bytes())
	want := packet.Data{
		Sequence: 0x7EDCBA98, Position: packet.Single, Ordered: true, Key: packet.OddKey, Retransmitted: true,
		Message: 0x2345678, Timestamp: 0xFEDCBA98, Destination: 0x11223344,
	}
	if err != nil || got != want || string(payload) != "payload" {
		t.Errorf("%+v, %q, %v", got, payload, err)
	}
	if again := got.Append(nil); !bytes.Equal(again, raw.Bytes()[:packet.HeaderSize]) {
		t.Errorf("written again: %x", again)
	}
	if packet.IsControl(raw.Bytes()) || packet.Destination(raw.Bytes()) != 0x11223344 {
		t.Error("taken for something else")
	}
}
