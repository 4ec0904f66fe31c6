package rtsp

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/freshet-live/freshet/ingest"
)

const fuzzSDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
	"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LADdkBQZ+eEAAAAwAQAAADAyDxQqSA,aMuDyyA=; profile-level-id=42C00D\r\na=control:streamid=0\r\n" +
	"m=video 0 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\na=control:streamid=1\r\n" +
	"m=audio 0 RTP/AVP 98\r\na=rtpmap:98 MPEG4-GENERIC/48000/2\r\na=fmtp:98 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3; config=1190\r\na=control:streamid=2\r\n" +
	"m=audio 0 RTP/AVP 99\r\na=rtpmap:99 MP4A-LATM/90000/1\r\na=fmtp:99 cpresent=1\r\na=control:streamid=3\r\n" +
	"m=audio 0 RTP/AVP 100\r\na=rtpmap:100 opus/48000/2\r\na=fmtp:100 sprop-stereo=1\r\na=control:streamid=4\r\n"

// sharedLATM has two layers that share a configuration.
const sharedLATM = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n" +
	"m=audio 0 RTP/AVP 96\r\na=rtpmap:96 MP4A-LATM/48000/2\r\na=fmtp:96 cpresent=0;config=400223203fe3fc\r\na=control:streamid=0\r\n"

// describeFuzz parses an SDP as gortsplib does; nil when it does not.
func describeFuzz(text string) *receiver {
	desc, err := readDescription([]byte(text))
	if err != nil {
		return nil
	}
	r, err := newReceiver(desc)
	if err != nil {
		return nil
	}
	return r
}

// FuzzDescription: no SDP panics, and what is made of it stays small.
func FuzzDescription(f *testing.F) {
	f.Add(fuzzSDP)
	f.Add(sharedLATM)
	f.Fuzz(func(t *testing.T, text string) {
		r := describeFuzz(text)
		if r == nil {
			return
		}
		if len(r.program.Streams) > maxStreams || len(r.unsupported()) > maxMedias {
			t.Fatalf("%d streams", len(r.program.Streams))
		}
		for stream := range byte(len(r.tracks)) {
			feedFuzz(t, r, []byte{stream, 5, 0, 0, 0, 0, 5, 0x65, 0x88, 0x84, 0x0a, 0xf2})
		}
	})
}

// FuzzPackets takes packets as {stream, flags, timestamp, length, payload}: no
// input panics, and access units are such as a sink may rely on.
func FuzzPackets(f *testing.F) {
	packet := func(stream, flags byte, timestamp uint32, payload []byte) []byte {
		b := binary.BigEndian.AppendUint32([]byte{stream, flags}, timestamp)
		return append(append(b, byte(len(payload))), payload...)
	}
	f.Add(packet(0, 1, 0, testIDR))
	f.Add(append(packet(0, 1, 0, testIDR), packet(0, 1, 1<<31, testP)...))
	f.Add(packet(0, 1, 0, []byte{0x78, 0, 2, 0x41, 0x9a, 0, 1, 0x65}))
	f.Add(append(packet(0, 0, 0, []byte{0x7C, 0x85, 1, 2}), packet(0, 3, 0, []byte{0x7C, 0x45, 3})...))
	f.Add(packet(1, 1, 0, []byte{0x40, 1, 0x0c, 1, 0xff, 0xff, 1, 0x60}))
	f.Add(packet(1, 1, 0, []byte{0x26, 1, 0xaf, 8}))
	f.Add(packet(2, 1, 0, []byte{0, 16, 0, 32, 1, 2, 3, 4}))
	f.Add(packet(3, 1, 0, []byte{0x20, 0, 0x11, 0x90, 0x20, 0x3f, 0xc0, 4, 1, 2, 3, 4}))
	f.Add(packet(4, 5, 960, []byte{0xFC, 1, 2}))
	f.Fuzz(func(t *testing.T, packets []byte) {
		r := describeFuzz(fuzzSDP)
		if r == nil || len(r.tracks) != 5 {
			t.Fatal("the SDP is not understood")
		}
		feedFuzz(t, r, packets)
	})
}

func feedFuzz(t *testing.T, r *receiver, packets []byte) {
	t.Helper()
	dts := make(map[int]int64)
	sequence := uint16(0)
	for now := time.Unix(0, 0); len(packets) >= 7; now = now.Add(time.Millisecond) {
		tr := r.tracks[int(packets[0])%len(r.tracks)]
		flags, timestamp, size := packets[1], binary.BigEndian.Uint32(packets[2:]), int(packets[6])
		packets = packets[7:]
		size = min(size, len(packets))
		sequence += uint16(1 + flags>>4)
		if flags&4 != 0 {
			tr.report = newReport(&rtcp.SenderReport{NTPTime: uint64(timestamp)<<32 | uint64(flags), RTPTime: timestamp})
		}
		p := &rtp.Packet{
			Header:  rtp.Header{Version: 2, Marker: flags&1 != 0, Timestamp: timestamp, SequenceNumber: sequence},
			Payload: packets[:size],
		}
		packets = packets[size:]
		_ = tr.packet(p, now, func(au ingest.AccessUnit) error {
			if len(au.Units) == 0 || au.Stream == 0 {
				t.Fatalf("an empty access unit: %+v", au)
			}
			for _, u := range au.Units {
				if len(u) == 0 {
					t.Fatal("an empty unit")
				}
			}
			if last, ok := dts[au.Stream]; ok && au.Format == nil && au.DTS == last {
				t.Fatalf("DTS %d twice", last)
			}
			if au.Format != nil && (au.Samples <= 0 || au.Format.SampleRate <= 0 || au.Format.Channels <= 0) {
				t.Fatalf("audio %+v", au)
			}
			dts[au.Stream] = au.DTS
			return nil
		})
	}
	r.Stats()
}
