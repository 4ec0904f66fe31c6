package mpegts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/ingest"
)

// descriptor makes one, with a text in it.
func descriptor(tag byte, text string) []byte {
	return append([]byte{tag, byte(len(text))}, text...)
}

func TestStreamNames(t *testing.T) {
	reg := func(id string) []byte { return descriptor(0x05, id) }
	for _, tt := range []struct {
		name    string
		typ     byte
		desc    []byte
		program []byte
		codec   ingest.Codec
		want    string
	}{
		{"H.264", 0x1B, nil, nil, ingest.CodecH264, ""},
		{"H.265", 0x24, nil, nil, ingest.CodecH265, ""},
		{"H.265 private", 0x06, reg("HEVC"), nil, ingest.CodecH265, ""},
		{"ADTS", 0x0F, nil, nil, ingest.CodecAAC, ""},
		{"LATM", 0x11, nil, nil, ingest.CodecAAC, ""},
		{"Opus", 0x06, append(reg("Opus"), 0x7F, 2, 0x80, 2), nil, ingest.CodecOpus, ""},
		{"AC-3 ATSC", 0x81, reg("AC-3"), nil, ingest.CodecAC3, ""},
		{"AC-3 DVB", 0x06, descriptor(0x6A, "\x00"), nil, ingest.CodecAC3, ""},
		{"AC-3 Blu-ray", 0x81, nil, reg("HDMV"), ingest.CodecAC3, ""},
		{"E-AC-3 ATSC", 0x87, nil, nil, ingest.CodecEAC3, ""},
		{"E-AC-3 DVB", 0x06, descriptor(0x7A, "\x00"), nil, ingest.CodecEAC3, ""},
		{"SCTE-35", 0x86, nil, reg("CUEI"), 0, "SCTE-35"},
		{"DTS-HD is not SCTE-35", 0x86, nil, reg("HDMV"), 0, "DTS-HD"},
		{"DTS-HD, registered itself", 0x86, reg("HDMV"), nil, 0, "DTS-HD"},
		{"ID3", 0x15, descriptor(0x26, "\xff\xffID3 \xffID3 \x00\x0f"), nil, 0, "ID3 metadata"},
		{"KLV asynchronous", 0x06, reg("KLVA"), nil, 0, "KLV metadata"},
		{"KLV synchronous", 0x15, descriptor(0x26, "\x01\x00\xffKLVA\x00\x0f"), nil, 0, "KLV metadata"},
		{"teletext", 0x06, descriptor(0x56, "eng\x09\x00"), nil, 0, "teletext"},
		{"DVB subtitles", 0x06, descriptor(0x59, "eng\x10\x00\x01\x00\x01"), nil, 0, "DVB subtitles"},
		{"MPEG-2 video", 0x02, nil, nil, 0, "MPEG-2 video"},
		{"AV1", 0x06, reg("AV01"), nil, 0, "AV1"},
		{"nothing known", 0x06, nil, nil, 0, "private data"},
		{"unassigned", 0xF3, nil, nil, 0, "stream type 0xf3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMuxer()
			m.pat(0, 1, pmtPID)
			m.pmt(pmtPID, 1, 0, tt.program, es{0x30, tt.typ, append(descriptor(0x0A, "DEU\x00"), tt.desc...)})
			rec, _ := demux(t, m.out, 188)
			var want ingest.Program
			if tt.want == "" {
				want.Streams = []ingest.Stream{{ID: 0x30, Codec: tt.codec, Language: "deu"}}
			} else {
				want.Unsupported = []ingest.Unsupported{{ID: 0x30, Name: tt.want}}
			}
			if diff := cmp.Diff(want, rec.program(t)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLongPMT needs three packets for a PMT and shares the PID with another
// program's.
func TestLongPMT(t *testing.T) {
	m := newMuxer()
	m.pat(0, 0, 0x10, 7, pmtPID, 8, pmtPID)
	list := make([]es, 0, 31)
	for i := range 30 {
		list = append(list, es{uint16(0x200 + i), 0x06, descriptor(0x59, "eng\x10\x00\x01\x00\x01")})
	}
	m.pmt(pmtPID, 7, 0, nil, append(list, es{videoPID, 0x1B, nil})...)
	m.pmt(pmtPID, 8, 0, nil, es{audioPID, 0x0F, nil})
	rec, stats := demux(t, m.out, 1316)
	p := rec.program(t)
	if len(p.Streams) != 1 || p.Streams[0].ID != videoPID || len(p.Unsupported) != 30 {
		t.Errorf("program %v", p)
	}
	if len(stats.Errors) > 0 {
		t.Errorf("errors: %v", stats.Errors)
	}
}

func TestPrograms(t *testing.T) {
	const otherPMT = 0x1001
	carried := es{videoPID, 0x1B, nil}
	other := es{0x200, 0x1B, nil}
	radio := es{0x300, 0x01, nil}
	for _, tt := range []struct {
		name string
		make func(m *muxer)
		want []int
	}{
		{"first of the PAT, whichever PMT comes first", func(m *muxer) {
			m.pat(0, 1, pmtPID, 2, otherPMT)
			m.pmt(otherPMT, 2, 0, nil, other)
			m.pmt(pmtPID, 1, 0, nil, carried)
		}, []int{videoPID}},
		{"first with carried streams", func(m *muxer) {
			m.pat(0, 1, pmtPID, 2, otherPMT)
			m.pmt(pmtPID, 1, 0, nil, radio)
			m.pmt(otherPMT, 2, 0, nil, other)
		}, []int{0x200}},
		{"a program without a PMT is not waited for", func(m *muxer) {
			for range 4 {
				m.pat(0, 1, pmtPID, 2, otherPMT)
				m.pmt(otherPMT, 2, 0, nil, other)
			}
			m.pes(0x200, 1, 1, false, picture(0, 10))
		}, []int{0x200}},
		{"PMT before the PAT", func(m *muxer) {
			m.pmt(pmtPID, 1, 0, nil, carried)
			m.pat(0, 1, pmtPID)
			m.pmt(pmtPID, 1, 0, nil, carried)
		}, []int{videoPID}},
		{"the PAT moves the program", func(m *muxer) {
			m.pat(0, 1, pmtPID)
			m.pmt(pmtPID, 1, 0, nil, carried)
			m.pat(1, 3, otherPMT)
			m.pmt(otherPMT, 3, 0, nil, other)
		}, []int{0x200}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMuxer()
			tt.make(m)
			rec, _ := demux(t, m.out, 188)
			got := make([]int, 0, 1)
			for _, s := range rec.program(t).Streams {
				got = append(got, s.ID)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSectionCRC(t *testing.T) {
	m := newMuxer()
	m.tables()
	m.out[188+30] ^= 1 // In the PMT.
	rec, stats := demux(t, m.out, 188)
	if stats.Errors["crc"] != 1 || len(rec.programs) != 0 {
		t.Errorf("errors %v, programs %v, want one CRC error and none", stats.Errors, rec.programs)
	}
}

// TestPMTChange adds audio and changes the video's codec at run time. The picture
// that was complete comes out, and audio goes on without a seam.
func TestPMTChange(t *testing.T) {
	m := newMuxer()
	m.pat(0, 1, pmtPID)
	m.pmt(pmtPID, 1, 0, nil, es{videoPID, 0x1B, nil})
	m.pes(videoPID, 1000, 1000, false, picture(0, 400))
	m.pat(0, 1, pmtPID)
	m.pmt(pmtPID, 1, 1, nil, es{videoPID, 0x1B, nil}, es{audioPID, 0x0F, nil})
	m.pes(audioPID, 2000, 2000, true, append(adtsFrame(1, 50), adtsFrame(2, 50)[:20]...))
	m.pes(videoPID, 4600, 4600, false, picture(1, 400))
	m.pmt(pmtPID, 1, 2, nil, es{videoPID, 0x24, nil}, es{audioPID, 0x0F, nil})
	m.pes(audioPID, 6000, 6000, true, adtsFrame(2, 50)[20:])
	rec, stats := demux(t, m.out, 188)
	if v, a := len(rec.of(videoPID)), len(rec.of(audioPID)); v != 2 || a != 2 {
		t.Errorf("%d pictures and %d audio frames, want 2 and 2", v, a)
	}
	got := make([][]ingest.Codec, 0, 3)
	for _, p := range rec.programs {
		var list []ingest.Codec
		for _, s := range p.Streams {
			list = append(list, s.Codec)
		}
		got = append(got, list)
	}
	want := [][]ingest.Codec{
		{ingest.CodecH264}, {ingest.CodecH264, ingest.CodecAAC}, {ingest.CodecH265, ingest.CodecAAC},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(stats.Errors) > 0 {
		t.Errorf("errors: %v", stats.Errors)
	}
}

// TestManyVideos declares more video streams than are put together at once: each
// may hold a picture of megabytes.
func TestManyVideos(t *testing.T) {
	m := newMuxer()
	m.pat(0, 1, pmtPID)
	var list []es
	for i := range uint16(20) {
		list = append(list, es{0x100 + i, 0x1B, nil})
	}
	list = append(list, es{0x200, 0x0F, nil})
	m.pmt(pmtPID, 1, 0, nil, list...)
	rec, _ := demux(t, m.out, 188)
	p := rec.program(t)
	if len(p.Streams) != 4+1 || p.Streams[4].Codec != ingest.CodecAAC || len(p.Unsupported) != 16 {
		t.Fatalf("%+v", p)
	}
	if got := p.Unsupported[0]; got.ID != 0x104 || got.Name != "surplus H.264" {
		t.Errorf("%+v", got)
	}
}
