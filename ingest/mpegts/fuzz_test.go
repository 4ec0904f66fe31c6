package mpegts_test

import (
	"testing"

	"github.com/freshet-live/freshet/ingest/mpegts"
)

// FuzzDemuxer writes anything in chunks that the input chooses. Nothing panics,
// and what comes out points into no more bytes than went in.
func FuzzDemuxer(f *testing.F) {
	f.Add(clean(3).out, uint16(1316))
	f.Add(clip(0, 30), uint16(100))
	f.Add(stride(clean(3).out, 0, 16), uint16(940))
	m := newMuxer()
	m.pat(0, 1, pmtPID)
	m.pmt(
		pmtPID, 1, 0, nil, es{0x100, 0x24, nil}, es{0x101, 0x11, nil}, es{0x102, 0x81, nil}, es{0x103, 0x87, nil},
		es{0x104, 0x03, nil}, es{0x105, 0x06, append(descriptor(5, "Opus"), 0x7F, 2, 0x80, 6)},
	)
	for pid := uint16(0x100); pid < 0x106; pid++ {
		m.pes(pid, 9000, 9000, true, []byte{0, 0, 0, 1, 0x26, 1, 0xAF, 0x0B, 0x77, 0x56, 0xE0, 9, 0xFF, 0xFB, 0x90, 0x7F, 0xE0, 4})
	}
	f.Add(m.out, uint16(188))
	f.Fuzz(func(t *testing.T, ts []byte, chunk uint16) {
		rec := &recorder{}
		d := mpegts.New(mpegts.Config{Sink: rec})
		size := len(ts)
		for n := int(chunk)%2000 + 1; len(ts) > 0; {
			k := min(n, len(ts))
			if d.Write(ts[:k], epoch) != nil {
				return
			}
			ts = ts[k:]
		}
		if d.Flush(epoch) != nil {
			return
		}
		got := 0
		for _, au := range rec.units {
			for _, u := range au.Units {
				got += len(u)
			}
		}
		if got > size {
			t.Errorf("%d bytes out of %d", got, size)
		}
	})
}

// FuzzLooper loops anything that passes for a clip.
func FuzzLooper(f *testing.F) {
	f.Add(clip(0, 94))
	f.Add(clip(1<<33-9000, 130))
	f.Fuzz(func(t *testing.T, ts []byte) {
		l, err := mpegts.NewLooper(ts)
		if err != nil {
			return
		}
		for range 2*len(ts)/188 + 1 {
			if b, _ := l.Next(); len(b) == 0 || len(b)%188 != 0 {
				t.Fatalf("%d bytes", len(b))
			}
		}
	})
}
