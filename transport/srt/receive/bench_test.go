package receive_test

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/srt/receive"
)

// flow is a stream of 6 Mbit/s in a receiver of 120 ms; repair is how many
// packets after its turn a packet that got lost comes.
type flow struct {
	r       *receive.Receiver
	now     time.Duration
	seq     uint32
	every   uint32
	payload [1316]byte
	nothing
}

// nothing is an Output that answers each ACK.
type nothing struct{ number uint32 }

func (n *nothing) ACK(number, _ uint32, _ receive.ACKInfo) { n.number = number }
func (n *nothing) LightACK(uint32)                         {}
func (n *nothing) NAK([]receive.Range)                     {}

const (
	flowInterval = 1750 * time.Microsecond
	repairAfter  = 12
)

func newFlow(lossEvery uint32) *flow {
	f := &flow{r: receive.New(receive.Config{Latency: 120 * ms, Start: epoch()}), every: lossEvery}
	for range 20_000 {
		f.packet()
	}
	return f
}

func (f *flow) lost(seq uint32) bool { return f.every > 0 && seq%f.every == f.every/2 }

// packet is one packet's share of everything: its arrival, that of an ACKACK
// and a repair when there is one, the work and the delivery.
func (f *flow) packet() {
	now := at(f.now)
	if !f.lost(f.seq) {
		f.r.Data(now, f.seq, uint32(f.now.Microseconds()), false, f.payload[:])
	}
	if old := f.seq - repairAfter; f.seq > repairAfter && f.lost(old) {
		f.r.Data(now, old, uint32((f.now - repairAfter*flowInterval).Microseconds()), true, f.payload[:])
	}
	if f.number > 0 {
		f.r.ACKACK(now, f.number, uint32(f.now.Microseconds()))
		f.number = 0
	}
	f.r.Work(now, f)
	for {
		if _, ok := f.r.Pop(now); !ok {
			break
		}
	}
	f.r.Next(now)
	f.seq++
	f.now += flowInterval
}

func BenchmarkPacket(b *testing.B) {
	for name, every := range map[string]uint32{"no loss": 0, "2 % loss": 50} {
		b.Run(name, func(b *testing.B) {
			f := newFlow(every)
			b.ReportAllocs()
			b.SetBytes(int64(len(f.payload)))
			for b.Loop() {
				f.packet()
			}
		})
	}
}

func TestNoAllocations(t *testing.T) {
	for name, every := range map[string]uint32{"no loss": 0, "2 % loss": 50} {
		f := newFlow(every)
		if n := testing.AllocsPerRun(10_000, f.packet); n > 0 {
			t.Errorf("%s: %v allocations a packet", name, n)
		}
		if s := f.r.Stats(); s.PktRcvDrop > 0 || every > 0 && s.PktRcvLoss == 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}
