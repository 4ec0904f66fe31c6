package rtsp

import (
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"

	"github.com/freshet-live/freshet/ingest"
)

// Of x264, 320x180: the parameter sets, and slices that only their types count of.
var (
	testSPS = []byte{0x67, 0x42, 0xc0, 0x0d, 0xd9, 0x01, 0x41, 0x9f, 0x9e, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x42, 0xa4, 0x80}
	testPPS = []byte{0x68, 0xcb, 0x83, 0xcb, 0x20}
	testIDR = []byte{0x65, 0x88, 0x84, 0x0a, 0xf2}
	testP   = []byte{0x41, 0x9a, 0x24, 0x6c, 0x41}
)

// stream feeds a track of H.264 with packets of one NAL unit each.
type stream struct {
	t        *testing.T
	track    *track
	sequence uint16
	now      time.Time
	got      []ingest.AccessUnit
}

func newStream(t *testing.T, f format.Format) *stream {
	t.Helper()
	clock := &clock{}
	track, err := newTrack(1, clock, &description.Media{Formats: []format.Format{f}}, f)
	if err != nil {
		t.Fatal(err)
	}
	return &stream{t: t, track: track, sequence: 65_530, now: time.Unix(1000, 0)}
}

func (s *stream) send(timestamp uint32, marker bool, payload []byte) {
	s.t.Helper()
	p := &rtp.Packet{
		Header:  rtp.Header{Version: 2, Timestamp: timestamp, SequenceNumber: s.sequence, Marker: marker},
		Payload: payload,
	}
	s.sequence++
	s.now = s.now.Add(time.Millisecond)
	err := s.track.packet(p, s.now, func(au ingest.AccessUnit) error {
		au.Units = cloneAll(au.Units)
		s.got = append(s.got, au)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// summary is what a test compares: PTS, the NAL unit types, and flags.
type summary struct {
	PTS          int64
	Types        []int
	Random, Lost bool
}

func (s *stream) expect(want ...summary) {
	s.t.Helper()
	var got []summary
	for _, au := range s.got {
		u := summary{PTS: au.PTS, Random: au.Random, Lost: au.Lost}
		for _, nal := range au.Units {
			u.Types = append(u.Types, int(nal[0]&31))
		}
		got = append(got, u)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("access units (-want +got)\n%s", diff)
	}
}

func h264Format(sdp bool) *format.H264 {
	f := &format.H264{PayloadTyp: 96, PacketizationMode: 1}
	if sdp {
		f.SPS, f.PPS = testSPS, testPPS
	}
	return f
}

func TestSetsOfTheSDP(t *testing.T) {
	s := newStream(t, h264Format(true))
	s.send(0, true, testP) // Nobody can begin here.
	s.send(3600, true, testIDR)
	s.send(7200, true, testP)
	s.expect(summary{0, []int{7, 8, 5}, true, false}, summary{3600, []int{1}, false, false})
}

// Some cameras send parameter sets as access units of their own, and none in the
// SDP.
func TestSetsByThemselves(t *testing.T) {
	s := newStream(t, h264Format(false))
	s.send(0, true, testIDR) // Nobody can decode it yet.
	s.send(3600, true, testSPS)
	s.send(3600, true, testPPS)
	s.send(3600, true, testIDR)
	s.expect(summary{0, []int{7, 8, 5}, true, false})
}

// Some cameras set no marker; then the next timestamp ends a picture.
func TestNoMarkers(t *testing.T) {
	s := newStream(t, h264Format(true))
	for i := range uint32(4) {
		s.send(i*3600, false, testIDR)
		s.send(i*3600, false, testIDR)
	}
	s.expect(
		summary{0, []int{7, 8, 5, 5}, true, false},
		summary{3600, []int{7, 8, 5, 5}, true, false},
		summary{7200, []int{7, 8, 5, 5}, true, false},
	)
}

// A gap costs the picture that it is in, and the next one says so.
func TestGap(t *testing.T) {
	s := newStream(t, h264Format(true))
	s.send(0, true, testIDR)
	s.sequence += 2
	s.send(3600, false, testP)
	s.send(3600, true, testP)
	s.send(7200, true, testP)
	s.send(10800, true, testP)
	s.expect(summary{0, []int{7, 8, 5}, true, false}, summary{7200, []int{1}, false, true}, summary{10800, []int{1}, false, false})
	if got := s.track.stats.Lost; got != 2 {
		t.Errorf("%d packets lost, want 2", got)
	}
}

func TestTwice(t *testing.T) {
	s := newStream(t, h264Format(true))
	s.send(0, true, testIDR)
	s.sequence--
	s.send(0, true, testIDR)
	s.send(3600, true, testP)
	s.expect(summary{0, []int{7, 8, 5}, true, false}, summary{3600, []int{1}, false, false})
	if got := s.track.stats.Lost; got != 0 {
		t.Errorf("%d packets lost", got)
	}
}

// Fragments that never end are given up before they fill the memory.
func TestEndlessFragments(t *testing.T) {
	s := newStream(t, h264Format(true))
	s.send(0, false, []byte{0x7C, 0x85, 1})
	for range maxPending + 10 {
		s.send(0, false, []byte{0x7C, 0x05, 1})
	}
	if s.track.stats.Damaged == 0 || s.track.pending > maxPending {
		t.Errorf("%d packets are held, %d damaged", s.track.pending, s.track.stats.Damaged)
	}
	s.send(3600, true, testIDR)
	if n := len(s.got); n != 1 {
		t.Errorf("%d access units after it", n)
	}
}

// DTS keep rising whatever PTS do, and never pass them by much.
func TestDTSWithoutIDR(t *testing.T) {
	s := newStream(t, h264Format(true))
	s.send(0, true, testIDR)
	for _, timestamp := range []uint32{14400, 7200, 3600, 10800, 28800} {
		s.send(timestamp, true, testP)
	}
	for i, au := range s.got[1:] {
		if au.DTS <= s.got[i].DTS {
			t.Errorf("access unit %d: DTS %d after %d", i+1, au.DTS, s.got[i].DTS)
		}
	}
}

func TestOpusFormat(t *testing.T) {
	s := newStream(t, &format.Opus{PayloadTyp: 96, ChannelCount: 2})
	s.send(0, true, []byte{0xFC, 1, 2, 3})       // One frame of 20 ms.
	s.send(960, true, []byte{0xFF, 63, 1, 2})    // 63 of them: too long.
	s.send(1920, true, []byte{0xFD, 1, 2, 3, 4}) // Two.
	if len(s.got) != 2 || s.got[0].Samples != 960 || s.got[1].Samples != 1920 || s.got[1].PTS != 3600 || !s.got[1].Lost {
		t.Fatalf("%+v", s.got)
	}
	want := &ingest.AudioFormat{SampleRate: 48000, Channels: 2, Config: []byte{0, 2, 0, 0, 0, 0, 0xBB, 0x80, 0, 0, 0}}
	if diff := cmp.Diff(want, s.got[0].Format); diff != "" {
		t.Error(diff)
	}
}

func TestUnsupported(t *testing.T) {
	desc := &description.Session{Medias: []*description.Media{
		{Type: "video", Formats: []format.Format{&format.MJPEG{}}},
		{Type: "audio", Formats: []format.Format{&format.Opus{PayloadTyp: 97, ChannelCount: 6}, &format.Opus{PayloadTyp: 96, ChannelCount: 2}}},
		{Type: "application", Formats: []format.Format{&format.Generic{PayloadTyp: 98, RTPMa: "vnd.onvif.metadata/90000\x1b[31m", ClockRat: 90000}}},
	}}
	r, err := newReceiver(desc)
	if err != nil {
		t.Fatal(err)
	}
	want := ingest.Program{
		Streams: []ingest.Stream{{ID: 3, Codec: ingest.CodecOpus}},
		Unsupported: []ingest.Unsupported{
			{ID: 1, Name: "video JPEG/90000"},
			{ID: 2, Name: "audio multiopus/48000/6"},
			{ID: 4, Name: "application vnd.onvif.metadata/90000?[31"},
		},
	}
	if diff := cmp.Diff(want, r.program); diff != "" {
		t.Error(diff)
	}
	desc.Medias = desc.Medias[:1]
	if _, err := newReceiver(desc); err == nil || rejectionFor(err).name != "unsupported_media" {
		t.Errorf("nothing that can be carried: %v", err)
	}
	for range maxMedias {
		desc.Medias = append(desc.Medias, desc.Medias[0])
	}
	if _, err := newReceiver(desc); err == nil || rejectionFor(err).name != "too_many_streams" {
		t.Errorf("too many: %v", err)
	}
}

func TestBackoff(t *testing.T) {
	last := time.Duration(0)
	for failures := range 70 {
		low, high := backoff(failures, 0), backoff(failures, 1)
		if low != high/2 || high < last || high > maxBackoff {
			t.Errorf("after %d failures %v to %v, before %v", failures, low, high, last)
		}
		last = high
	}
	if last != maxBackoff || backoff(0, 1) != minBackoff {
		t.Errorf("from %v to %v", backoff(0, 1), last)
	}
}
