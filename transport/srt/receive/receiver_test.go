package receive_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/transport/srt/receive"
)

// record is an Output that remembers.
type record struct {
	acks   []uint32
	light  []uint32
	naks   [][]receive.Range
	number uint32
	info   receive.ACKInfo
}

func (o *record) ACK(number, next uint32, full receive.ACKInfo) {
	o.number, o.info = number, full
	o.acks = append(o.acks, next)
}
func (o *record) LightACK(next uint32) { o.light = append(o.light, next) }
func (o *record) NAK(ranges []receive.Range) {
	o.naks = append(o.naks, append([]receive.Range(nil), ranges...))
}

// bench is a receiver with its time in the test's hands. A packet's payload is
// its sequence number, and its timestamp the time in the test.
type bench struct {
	t   *testing.T
	r   *receive.Receiver
	out record
}

func newBench(t *testing.T, c receive.Config) *bench {
	t.Helper()
	c.Start = epoch()
	return &bench{t: t, r: receive.New(c)}
}

func at(d time.Duration) time.Time { return epoch().Add(d) }

func number(seq uint32) []byte { return binary.BigEndian.AppendUint32(nil, seq) }

func (b *bench) data(now time.Duration, seqs ...uint32) {
	b.t.Helper()
	for _, seq := range seqs {
		b.r.Data(at(now), seq, uint32(now.Microseconds()), false, number(seq))
		b.check()
	}
}

func (b *bench) check() {
	b.t.Helper()
	if err := b.r.Check(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) work(now time.Duration) { b.r.Work(at(now), &b.out) }

func (b *bench) pop(now time.Duration) []uint32 {
	return b.drain(func() ([]byte, bool) { return b.r.Pop(at(now)) })
}

func (b *bench) drain(next func() ([]byte, bool)) (seqs []uint32) {
	b.t.Helper()
	for {
		payload, ok := next()
		if !ok {
			return seqs
		}
		seqs = append(seqs, binary.BigEndian.Uint32(payload))
		b.check()
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestOrder(t *testing.T) {
	const last = sequenceMask
	for name, c := range map[string]struct {
		initial   uint32
		in        []uint32
		out       []uint32
		dropped   uint64
		duplicate uint64
	}{
		"in order":               {5, []uint32{5, 6, 7}, []uint32{5, 6, 7}, 0, 0},
		"out of order":           {5, []uint32{7, 5, 6}, []uint32{5, 6, 7}, 0, 0},
		"twice":                  {5, []uint32{5, 6, 5, 6, 7}, []uint32{5, 6, 7}, 0, 2},
		"missing":                {5, []uint32{5, 7, 9}, []uint32{5, 7, 9}, 2, 0},
		"first missing":          {5, []uint32{7, 8}, []uint32{7, 8}, 2, 0},
		"wrap":                   {last - 1, []uint32{last - 1, last, 0, 1}, []uint32{last - 1, last, 0, 1}, 0, 0},
		"wrap, out of order":     {last - 1, []uint32{1, last, 0, last - 1}, []uint32{last - 1, last, 0, 1}, 0, 0},
		"wrap, missing":          {last, []uint32{last, 1}, []uint32{last, 1}, 1, 0},
		"gap filled from inside": {0, []uint32{0, 6, 3, 2, 4}, []uint32{0, 2, 3, 4, 6}, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, receive.Config{Latency: 100 * ms, Initial: c.initial})
			b.data(0, c.in...)
			same(t, "before its time", b.pop(99*ms), []uint32(nil))
			same(t, "delivered", b.pop(100*ms), c.out)
			s := b.r.Stats()
			same(t, "dropped, duplicate", []uint64{s.PktRcvDrop, s.PktRcvDuplicate}, []uint64{c.dropped, c.duplicate})

			b = newBench(t, receive.Config{Latency: 100 * ms, Initial: c.initial})
			b.data(0, c.in...)
			same(t, "flushed", b.drain(b.r.Flush), c.out)
		})
	}
}

// The clocks' 32 bits wrap; a connection may have been silent meanwhile.
func TestTimestampWraps(t *testing.T) {
	for name, c := range map[string]struct {
		start uint32
		after time.Duration
	}{
		"begins at 0":            {0, time.Second},
		"about to wrap":          {1<<32 - 500_000, time.Second},
		"a wrap later":           {17, 72 * time.Minute},
		"half a wrap later":      {17, 36 * time.Minute},
		"a day of silence later": {1 << 31, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, receive.Config{Latency: 100 * ms, PeerStart: c.start})
			for i := range 100 {
				now := c.after + time.Duration(i)*10*ms
				b.r.Data(at(now), uint32(i), c.start+uint32(now.Microseconds()), false, number(uint32(i)))
				b.work(now)
				b.r.ACKACK(at(now), b.out.number, c.start+uint32(now.Microseconds()))
				same(t, "due", b.r.Next(at(now)), at(now+100*ms))
				same(t, "early", b.pop(now+99*ms), []uint32(nil))
				same(t, "in time", b.pop(now+100*ms), []uint32{uint32(i)})
			}
		})
	}
}

// A packet that came when its turn was over is counted, with how late it was.
func TestBelated(t *testing.T) {
	b := newBench(t, receive.Config{Latency: 100 * ms})
	b.data(0, 0, 2)
	same(t, "delivered", b.pop(100*ms), []uint32{0, 2})
	b.r.Data(at(130*ms), 1, 0, true, number(1))
	same(t, "delivered", b.pop(200*ms), []uint32(nil))
	if s := b.r.Stats(); s.PktRcvBelated != 1 || s.PktRcvAvgBelatedTime != 30 || s.PktRcvRetrans != 1 {
		t.Errorf("%+v", s)
	}
}

func TestACK(t *testing.T) {
	b := newBench(t, receive.Config{Latency: time.Second, MaxPackets: 100, RTT: 20 * ms})
	b.work(500 * ms)
	same(t, "nothing came", b.out.acks, []uint32(nil))

	b.data(500*ms, 0, 1)
	b.work(500 * ms)
	b.data(505*ms, 2)
	b.work(505 * ms)
	same(t, "not twice in 10 ms", b.out.acks, []uint32{2})
	same(t, "the next", b.r.Next(at(505*ms)), at(510*ms))
	b.work(510 * ms)
	same(t, "after 10 ms", b.out.acks, []uint32{2, 3})
	same(t, "buffer", b.out.info.AvailableBuffer, uint32(97))

	// The last one was not answered.
	same(t, "repetition", b.r.Next(at(511*ms)), at(610*ms))
	b.work(609 * ms)
	b.work(610 * ms)
	same(t, "repeated", b.out.acks, []uint32{2, 3, 3})
	b.r.ACKACK(at(640*ms), b.out.number, 640_000)
	b.work(900 * ms)
	same(t, "answered", b.out.acks, []uint32{2, 3, 3})
	same(t, "RTT", b.r.Stats().MsRTT, 30.)

	// A hole stops it; what is delivered past the hole is acknowledged.
	b.data(910*ms, 4)
	b.work(915 * ms)
	same(t, "hole", b.out.acks, []uint32{2, 3, 3})
	b.pop(1910 * ms)
	b.work(1910 * ms)
	same(t, "past the hole", b.out.acks, []uint32{2, 3, 3, 5})
}

func TestACKACKThatAnswersNothing(t *testing.T) {
	b := newBench(t, receive.Config{Latency: 100 * ms})
	b.data(0, 0)
	b.work(0)
	for _, n := range []uint32{0, 2, 257, 1<<32 - 1} {
		b.r.ACKACK(at(50*ms), n, 50_000)
	}
	same(t, "a guess still", b.r.Stats().MsRTT, 100.)
	b.r.ACKACK(at(30*ms), 1, 30_000)
	b.r.ACKACK(at(90*ms), 1, 90_000)
	same(t, "measured once", b.r.Stats().MsRTT, 30.)
}

// A peer that leaves the timestamp of its ACKACKs at 0 has no clock to follow.
func TestACKACKWithoutClock(t *testing.T) {
	b := newBench(t, receive.Config{Latency: 100 * ms})
	for i := range uint32(3000) {
		now := time.Minute + time.Duration(i)*10*ms
		b.data(now, i)
		b.work(now)
		b.r.ACKACK(at(now+ms), b.out.number, 0)
	}
	same(t, "drift", b.r.Stats().MsDrift, 0.)
}

func TestLightACK(t *testing.T) {
	b := newBench(t, receive.Config{Latency: time.Second})
	b.data(0, 0)
	b.work(0)
	for seq := range uint32(200) {
		b.data(ms, seq+1)
		b.work(ms)
	}
	same(t, "full", b.out.acks, []uint32{1})
	same(t, "light", b.out.light, []uint32{65, 129, 193})
}

func TestNAK(t *testing.T) {
	b := newBench(t, receive.Config{Latency: 500 * ms, RTT: 40 * ms}) // Answer within 40 + 4 * 20 ms.
	b.data(0, 0, 2, 3, 7)
	b.work(0)
	same(t, "they may be late", b.out.naks, [][]receive.Range(nil))
	same(t, "next", b.r.Next(at(0)), at(ms))
	b.work(ms)
	all := []receive.Range{{First: 1, Last: 1}, {First: 4, Last: 6}}
	same(t, "asked", b.out.naks, [][]receive.Range{all})
	b.work(120 * ms)
	same(t, "waits for the answer", len(b.out.naks), 1)
	b.r.Data(at(120*ms), 5, 0, true, number(5))
	b.check()
	b.work(121 * ms)
	rest := []receive.Range{{First: 1, Last: 1}, {First: 4, Last: 4}, {First: 6, Last: 6}}
	same(t, "asked again", b.out.naks, [][]receive.Range{all, rest})
	b.work(180 * ms)
	b.work(181 * ms)
	same(t, "and again", b.out.naks, [][]receive.Range{all, rest, rest})
	same(t, "lost", b.r.Stats().PktRcvLoss, uint64(4))
}

func TestNAKFitsAPacket(t *testing.T) {
	b := newBench(t, receive.Config{Latency: time.Second})
	for i := range uint32(1000) {
		b.data(0, 2*i)
	}
	b.work(100 * ms)
	n := 0
	for _, ranges := range b.out.naks {
		if len(ranges) > 182 {
			t.Errorf("%d ranges", len(ranges))
		}
		n += len(ranges)
	}
	same(t, "ranges", n, 999)
}

func TestDropRequest(t *testing.T) {
	for name, c := range map[string]struct {
		first, last uint32
		asked       []receive.Range
		acked       uint32
		out         []uint32
	}{
		"all of a gap":       {3, 6, []receive.Range{{First: 9, Last: 9}}, 9, []uint32{0, 1, 2, 7, 8, 10}},
		"inside a gap":       {4, 5, []receive.Range{{First: 3, Last: 3}, {First: 6, Last: 6}, {First: 9, Last: 9}}, 3, []uint32{0, 1, 2, 7, 8, 10}},
		"two gaps":           {2, 10, nil, 11, []uint32{0, 1, 2, 7, 8, 10}},
		"what is there":      {7, 8, []receive.Range{{First: 3, Last: 6}, {First: 9, Last: 9}}, 3, []uint32{0, 1, 2, 7, 8, 10}},
		"what was not sent":  {9, 20, []receive.Range{{First: 3, Last: 6}}, 3, []uint32{0, 1, 2, 7, 8, 10}},
		"everything":         {sequenceMask - 5, 20, nil, 21, []uint32{0, 1, 2, 7, 8, 10}},
		"far behind":         {1 << 30, 1<<30 + 5, []receive.Range{{First: 3, Last: 6}, {First: 9, Last: 9}}, 3, []uint32{0, 1, 2, 7, 8, 10}},
		"the wrong way":      {6, 3, []receive.Range{{First: 3, Last: 6}, {First: 9, Last: 9}}, 3, []uint32{0, 1, 2, 7, 8, 10}},
		"half of all":        {3, 1<<30 - 1, []receive.Range{{First: 3, Last: 6}, {First: 9, Last: 9}}, 3, []uint32{0, 1, 2, 7, 8, 10}},
		"all there are":      {0, sequenceMask, []receive.Range{{First: 3, Last: 6}, {First: 9, Last: 9}}, 3, []uint32{0, 1, 2, 7, 8, 10}},
		"not after the last": {15, 16, []receive.Range{{First: 3, Last: 6}, {First: 9, Last: 9}}, 3, []uint32{0, 1, 2, 7, 8, 10}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, receive.Config{Latency: 100 * ms})
			b.data(0, 0, 1, 2, 7, 8, 10)
			b.r.DropRequest(at(0), c.first, c.last)
			b.check()
			b.work(50 * ms)
			var asked []receive.Range
			for _, n := range b.out.naks {
				asked = append(asked, n...)
			}
			same(t, "asked", asked, c.asked)
			same(t, "acknowledged", b.out.acks, []uint32{c.acked})
			same(t, "delivered", b.pop(100*ms), c.out)
			b.check()
		})
	}
}

// A run given up packet by packet is one interval, and goes on being filled.
func TestDropRequestPacketByPacket(t *testing.T) {
	b := newBench(t, receive.Config{Latency: 100 * ms})
	b.data(0, 0, 100)
	for _, odd := range []uint32{1, 0} {
		for seq := uint32(1); seq < 100; seq++ {
			if seq%2 == odd {
				b.r.DropRequest(at(0), seq, seq)
				b.check()
			}
		}
	}
	b.work(50 * ms)
	same(t, "acknowledged", b.out.acks, []uint32{101})
	same(t, "asked", len(b.out.naks), 0)
	b.data(50*ms, 50)
	same(t, "delivered", b.pop(150*ms), []uint32{0, 50, 100})
	same(t, "dropped", b.r.Stats().PktRcvDrop, uint64(98))
}

// A drop request may lead far ahead of what the ring had room for.
func TestDropRequestAhead(t *testing.T) {
	b := newBench(t, receive.Config{Latency: 100 * ms})
	b.data(0, 0)
	b.r.DropRequest(at(0), 1, 1000)
	b.data(0, 64, 1001, 1024)
	same(t, "delivered", b.pop(100*ms), []uint32{0, 64, 1001, 1024})
}

func TestLimits(t *testing.T) {
	b := newBench(t, receive.Config{Latency: time.Hour, MaxPackets: 100, MaxBytes: 50_000})
	for seq := range uint32(5000) {
		b.r.Data(at(0), seq, 0, false, make([]byte, 1000))
		b.check()
	}
	if s := b.r.Stats(); s.PktRcvBuf != 50 || s.ByteRcvBuf != 50_000 || s.ByteAvailRcvBuf != 0 || s.PktRcvRefused != 4950 {
		t.Errorf("%+v", s)
	}
	b = newBench(t, receive.Config{Latency: time.Hour, MaxPackets: 100})
	for seq := range uint32(5000) {
		b.r.Data(at(0), seq*7919, 1<<31, false, nil)
		b.r.DropRequest(at(0), seq*104729, seq*15485863)
		b.check()
	}
	if bytes, slots := b.r.Memory(); bytes > 101*1456 || slots > 128 {
		t.Errorf("%d bytes, %d slots", bytes, slots)
	}
}

// What a burst needed is not kept for ever.
func TestBuffersAreGivenBack(t *testing.T) {
	b := newBench(t, receive.Config{Latency: 100 * ms})
	for seq := range uint32(5000) {
		b.r.Data(at(0), seq, 0, false, make([]byte, 1316))
	}
	b.pop(time.Second)
	b.work(time.Second)
	b.work(3 * time.Second)
	if bytes, _ := b.r.Memory(); bytes > 200*1456 {
		t.Errorf("%d bytes kept", bytes)
	}
}

// A sender comes back from an outage far ahead; one stray number is not that.
func TestJump(t *testing.T) {
	b := newBench(t, receive.Config{Latency: 100 * ms, MaxPackets: 1000})
	b.data(0, 0, 1)
	b.data(10*ms, 500_000)
	same(t, "delivered", b.pop(110*ms), []uint32{0, 1})
	b.data(120*ms, 600_000, 2, 3)
	same(t, "the stray one is nothing", b.pop(220*ms), []uint32{2, 3})

	b.r.DropRequest(at(9*time.Second), 4, 20)
	b.data(10*time.Second, 38_000, 38_001, 38_002)
	same(t, "delivered", b.pop(11*time.Second), []uint32{38_001, 38_002})
	s := b.r.Stats()
	same(t, "dropped, refused", []uint64{s.PktRcvDrop, s.PktRcvRefused}, []uint64{38_001 - 4, 3})
	b.work(11 * time.Second)
	same(t, "acknowledged", b.out.acks, []uint32{38_003})
}

// A timestamp from far ahead holds nothing up for longer than a second more.
func TestTimestampFarAhead(t *testing.T) {
	b := newBench(t, receive.Config{Latency: 100 * ms})
	b.r.Data(at(0), 0, 2_000_000_000, false, number(0))
	b.r.Data(at(0), 1, 0, false, number(1))
	same(t, "early", b.pop(1099*ms), []uint32(nil))
	same(t, "delivered", b.pop(1100*ms), []uint32{0, 1})
}

// The payload is copied on the way in, and is left alone until the next Pop.
func TestPayload(t *testing.T) {
	b := newBench(t, receive.Config{})
	for i, n := range []int{0, 1, 1316, 1456, 9000, 10} {
		want := bytes.Repeat([]byte{byte(i + 1)}, n)
		in := bytes.Clone(want)
		b.r.Data(at(0), uint32(2*i), 0, false, in)
		clear(in)
		got, ok := b.r.Pop(at(0))
		b.data(0, uint32(2*i+1))
		if !ok || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %t", n, len(got), ok)
		}
		b.pop(0)
	}
}

// A packet of 1250 bytes each 2 ms is 5 Mbit/s; the pairs tell of 100 Mbit/s.
func TestRates(t *testing.T) {
	b := newBench(t, receive.Config{Latency: 100 * ms})
	for i := range uint32(1500) {
		now := time.Duration(i) * 2 * ms
		if i%16 == 1 {
			now -= 1900 * time.Microsecond
		}
		b.r.Data(at(now), i, uint32(now.Microseconds()), false, make([]byte, 1250))
		b.work(now)
		b.pop(now)
	}
	want := receive.ACKInfo{RTT: 100_000, RTTVar: 50_000, AvailableBuffer: 8141, PacketRate: 500, LinkCapacity: 10_000, ReceivingRate: 625_000}
	same(t, "ACK", b.out.info, want)
	s := b.r.Stats()
	same(t, "Mbit/s", []float64{s.MbpsRecvRate, s.MbpsBandwidth}, []float64{5, 100})
	same(t, "held", []uint64{s.PktRcvBuf, s.ByteRcvBuf, s.MsRcvBuf, s.MsRcvTsbPdDelay}, []uint64{50, 62_500, 98, 100})
}

// A sender that falls silent has no rate.
func TestRateOfSilence(t *testing.T) {
	b := newBench(t, receive.Config{Latency: 100 * ms})
	for i := range uint32(1500) {
		b.data(time.Duration(i)*2*ms, i)
		b.work(time.Duration(i) * 2 * ms)
		b.pop(time.Duration(i) * 2 * ms)
	}
	b.work(3 * time.Second)
	b.r.ACKACK(at(3*time.Second), b.out.number, 0)
	for now := 4 * time.Second; now <= 6*time.Second; now += time.Second {
		b.work(now)
	}
	if s := b.r.Stats(); s.MbpsRecvRate != 0 {
		t.Errorf("%v Mbit/s", s.MbpsRecvRate)
	}
}

func TestNextOfNothing(t *testing.T) {
	b := newBench(t, receive.Config{Latency: 100 * ms})
	if next := b.r.Next(at(0)); !next.IsZero() {
		t.Errorf("%v", next)
	}
	b.data(0, 0)
	b.work(0)
	b.pop(100 * ms)
	b.r.ACKACK(at(100*ms), 1, 100_000)
	if next := b.r.Next(at(100 * ms)); !next.IsZero() {
		t.Errorf("%v", next)
	}
}
