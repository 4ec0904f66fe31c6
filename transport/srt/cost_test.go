//go:build unix

package srt_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	gosrt "github.com/datarhei/gosrt"

	"github.com/freshet-live/freshet/transport/srt"
	"github.com/freshet-live/freshet/transport/srt/packet"
)

// BenchmarkEncoders says what paced encoders of 6 Mbit/s cost the process that
// receives them, each in percent of a core, with this package and with gosrt:
//
//	go test -run '^$' -bench Encoders -benchtime 1x ./transport/srt
func BenchmarkEncoders(b *testing.B) {
	for _, engine := range []string{"ours", "gosrt"} {
		for _, encoders := range []int{1, 10} {
			b.Run(fmt.Sprintf("%s-%d", engine, encoders), func(b *testing.B) {
				total := 0.0
				for b.Loop() {
					total += cost(b, engine, encoders)
				}
				b.ReportMetric(total/float64(b.N*encoders), "cpu-%/encoder")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

const (
	costEnv     = "FRESHET_SRT_COST" // The engine of the child process.
	costTime    = 10 * time.Second
	costSpacing = 1316 * 8 * time.Second / 6_000_000
)

func TestMain(m *testing.M) {
	if engine := os.Getenv(costEnv); engine != "" {
		if err := receiver(engine); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// cost runs a child with the engine, sends to it, and gives what it says.
func cost(b *testing.B, engine string, encoders int) (percent float64) {
	b.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), costEnv+"="+engine)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = child.Wait() }()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		b.Fatal("the child says no address")
	}
	ctx, cancel := context.WithCancel(b.Context())
	sent := make(chan error, encoders)
	address := lines.Text()
	for i := range encoders {
		go func() { sent <- pacedPeer(ctx, address, uint32(7+i)) }()
	}
	if !lines.Scan() {
		b.Error("the child says no cost")
	}
	cancel()
	for range encoders {
		if err := <-sent; err != nil {
			b.Error(err)
		}
	}
	percent, err = strconv.ParseFloat(strings.TrimSpace(lines.Text()), 64)
	if err != nil {
		b.Error(err)
	}
	return percent
}

// receiver is the child: it prints its address, and what costTime of the encoders
// cost it.
func receiver(engine string) error {
	var received atomic.Int64
	count := func([]byte) error { received.Add(1); return nil } //nolint:unparam // Receive wants it so.
	run := ourReceiver
	if engine == "gosrt" {
		run = gosrtReceiver
	}
	ended := make(chan error, 1)
	go func() { ended <- run(count) }()
	for received.Load() < 500 {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(time.Second) // For all of them.
	began, before := time.Now(), cpu()
	select {
	case err := <-ended:
		return err
	case <-time.After(costTime):
	}
	fmt.Println((cpu() - before).Seconds() / time.Since(began).Seconds() * 100)
	return nil
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func ourReceiver(put func([]byte) error) error {
	l, err := srt.Listen("127.0.0.1:0", srt.Config{})
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() { _ = l.Run(context.Background()) }()
	for {
		r, err := l.Accept(context.Background())
		if err != nil {
			return err
		}
		c, err := r.Accept()
		if err != nil {
			return err
		}
		go func() { _ = c.Receive(put) }()
	}
}

func gosrtReceiver(put func([]byte) error) error {
	l, err := gosrt.Listen("srt", "127.0.0.1:0", gosrt.DefaultConfig())
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	for {
		r, err := l.Accept2()
		if err != nil {
			return err
		}
		c, err := r.Accept()
		if err != nil {
			return err
		}
		go func() {
			for {
				p, err := c.ReadPacket()
				if err != nil {
					return
				}
				_ = put(p.Data())
				p.Decommission()
			}
		}()
	}
}

// pacedPeer calls and sends evenly until ctx ends. It answers ACKs.
func pacedPeer(ctx context.Context, address string, socket uint32) error {
	conn, err := net.Dial("udp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	hello := packet.Handshake{Version: 4, Extension: packet.Datagram, Sequence: 1000, MTU: 1500, FlowWindow: 8192, Type: packet.Induction, Socket: socket}
	h, err := exchange(conn, hello.Append(control(packet.TypeHandshake, 0, 0, 0, 0)))
	if err != nil {
		return err
	}
	hello.Version, hello.Type, hello.Cookie = 5, packet.Conclusion, h.Cookie
	flags := packet.HS{Version: 0x10501, Flags: 0xBF, ReceiverDelay: 120, SenderDelay: 120}
	start := time.Now()
	if h, err = exchange(conn, hello.AppendExtended(control(packet.TypeHandshake, 0, 0, 0, 0), packet.Extensions{HS: &flags})); err != nil {
		return err
	}
	micros := func() uint32 { return uint32(time.Since(start).Microseconds()) }
	go func() {
		b := make([]byte, 2000)
		for {
			n, err := conn.Read(b)
			if err != nil {
				return
			}
			if c, _, err := packet.ParseControl(b[:n]); err == nil && c.Type == packet.TypeACK && c.Info > 0 {
				_, _ = conn.Write(control(packet.TypeACKACK, 0, c.Info, micros(), h.Socket))
			}
		}
	}()
	for n := 0; ctx.Err() == nil; n++ {
		time.Sleep(time.Until(start.Add(time.Duration(n) * costSpacing)))
		d := packet.Data{
			Sequence: uint32(1000 + n), Position: packet.Single, Ordered: true, Message: uint32(1 + n),
			Timestamp: micros(), Destination: h.Socket,
		}
		if _, err := conn.Write(append(d.Append(nil), numbered(n)...)); err != nil {
			return err
		}
	}
	return nil
}

func exchange(conn net.Conn, b []byte) (packet.Handshake, error) {
	if _, err := conn.Write(b); err != nil {
		return packet.Handshake{}, err
	}
	answer := make([]byte, 2000)
	n, err := conn.Read(answer)
	if err != nil {
		return packet.Handshake{}, err
	}
	_, field, err := packet.ParseControl(answer[:n])
	if err != nil {
		return packet.Handshake{}, err
	}
	h, _, err := packet.ParseHandshake(field)
	return h, err
}
