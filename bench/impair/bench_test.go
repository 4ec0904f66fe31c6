package impair_test

import (
	"encoding/binary"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/impair"
)

// BenchmarkRoundTrip measures a round trip through 50 ms each way.
func BenchmarkRoundTrip(b *testing.B) {
	n := start(b, impair.Path{Both: impair.Settings{Delay: new(50 * ms)}}, startEcho(b).LocalAddr(), nil)
	conn := dial(b, n.addr)
	exchange(b, conn, "the first makes the binding", patience)
	var trips []float64
	for b.Loop() {
		began := time.Now()
		if exchange(b, conn, "ping", patience) == "" {
			b.Fatal("no answer")
		}
		trips = append(trips, time.Since(began).Seconds()*1e3)
	}
	slices.Sort(trips)
	b.ReportMetric(trips[len(trips)/2], "ms-p50")
	b.ReportMetric(trips[len(trips)*99/100], "ms-p99")
	b.ReportMetric(trips[0], "ms-min")
	b.ReportMetric(trips[len(trips)-1], "ms-max")
}

// Benchmark100Mbit sends datagrams of 1200 bytes at 100 Mbit/s, and counts what is
// lost without having been asked for.
func Benchmark100Mbit(b *testing.B) {
	for name, settings := range map[string]impair.Settings{
		"clean":  {Delay: new(20 * ms)},
		"loss5%": {Delay: new(20 * ms), Loss: percent(b, "5%")},
	} {
		b.Run(name, func(b *testing.B) { carry100Mbit(b, settings) })
	}
}

func carry100Mbit(b *testing.B, settings impair.Settings) {
	b.Helper()
	sink := socket(b)
	n := start(b, impair.Path{Both: settings}, sink.LocalAddr(), nil)
	conn := dial(b, n.addr)
	received := make(chan int)
	go func() { received <- count(sink) }()
	const size = 1200
	packet := make([]byte, size)
	sent, began := 0, time.Now()
	for b.Loop() {
		binary.BigEndian.PutUint64(packet, uint64(sent))
		if _, err := conn.Write(packet); err != nil {
			b.Fatal(err)
		}
		sent++
		if ahead := time.Duration(sent)*size*8*10 - time.Since(began); ahead > ms {
			time.Sleep(ahead) // 10 ns a bit.
		}
	}
	took := time.Since(began)
	time.Sleep(200 * ms) // What is in flight.
	sink.SetReadDeadline(time.Now())
	got := <-received
	r := n.Readings()[0]
	asked := r.Stats.Dropped[impair.Lost]
	b.ReportMetric(float64(sent)*size*8/took.Seconds()/1e6, "Mbit/s")
	b.ReportMetric(float64(asked)/float64(sent)*100, "%asked-loss")
	b.ReportMetric(float64(sent-got)-float64(asked), "own-losses")
	b.ReportMetric(float64(sent), "packets")
	b.ReportMetric(r.Late.Quantile(.99).Seconds()*1e3, "ms-late-p99")
}

// count reads until the deadline.
func count(conn *net.UDPConn) (n int) {
	buffer := make([]byte, 2048)
	for {
		if _, _, err := conn.ReadFromUDPAddrPort(buffer); err != nil {
			return n
		}
		n++
	}
}
