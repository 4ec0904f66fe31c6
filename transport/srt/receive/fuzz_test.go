package receive_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/srt/receive"
)

// FuzzReceiver lets a peer say anything at any time: an operation is a byte of
// what, two of how much time passes, and two words.
func FuzzReceiver(f *testing.F) {
	op := func(kind byte, after uint16, a, b uint32) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16([]byte{kind}, after), a), b)
	}
	join := func(ops ...[]byte) (all []byte) {
		for _, o := range ops {
			all = append(all, o...)
		}
		return all
	}
	f.Add(uint32(0), join(op(0, 1, 0, 0), op(0, 1, 2, 2000), op(3, 20, 0, 0), op(0, 1, 1, 1000), op(4, 500, 0, 0)))
	f.Add(uint32(1<<31-1), join(op(0, 0, 1<<31-1, 0), op(0, 0, 9, 1<<31), op(1, 0, 3, 7), op(3, 20, 0, 0), op(2, 10, 1, 9000), op(5, 0, 0, 0)))
	f.Add(uint32(7), join(op(0, 0, 50_000, 0), op(0, 0, 50_001, 0), op(1, 0, 0, 1<<31-1), op(1, 0, 50_002, 50_060), op(4, 1, 0, 0)))
	f.Fuzz(func(t *testing.T, initial uint32, ops []byte) {
		const packets, size = 64, 2000
		r := receive.New(receive.Config{Latency: 100 * ms, Initial: initial, Start: epoch(), MaxPackets: packets, MaxBytes: packets * size})
		payload := make([]byte, size)
		now := epoch()
		for ; len(ops) >= 11; ops = ops[11:] {
			now = now.Add(time.Duration(binary.BigEndian.Uint16(ops[1:])) * ms)
			a, b := binary.BigEndian.Uint32(ops[3:]), binary.BigEndian.Uint32(ops[7:])
			switch ops[0] % 8 {
			case 0, 6, 7:
				r.Data(now, a, b, b%2 == 0, payload[:b%size])
			case 1:
				r.DropRequest(now, a, b)
			case 2:
				r.ACKACK(now, a, b)
			case 3:
				r.Work(now, &record{})
			case 4:
				r.Pop(now)
			case 5:
				r.Flush()
			}
			r.Next(now)
			if err := r.Check(); err != nil {
				t.Fatal(err)
			}
			if bytes, slots := r.Memory(); bytes > 3*packets*size || slots > packets {
				t.Fatalf("%d bytes, %d slots", bytes, slots)
			}
			r.Stats()
		}
	})
}
