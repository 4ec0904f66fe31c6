package srt_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	gosrt "github.com/datarhei/gosrt"

	"github.com/freshet-live/freshet/transport/srt"
	"github.com/freshet-live/freshet/transport/srt/packet"
)

// BenchmarkOneEncoder says what a paced encoder of 6 Mbit/s costs the process that
// receives it, in percent of a core, with this package and with gosrt:
//
//	go test -run '^$' -bench OneEncoder -benchtime 1x ./transport/srt
func BenchmarkOneEncoder(b *testing.B) {
	for _, engine := range []string{"ours", "gosrt"} {
		b.Run(engine, func(b *testing.B) {
			total := 0.0
			for b.Loop() {
				total += cost(b, engine)
			}
			b.ReportMetric(total/float64(b.N), "cpu-%")
			b.ReportMetric(0, "ns/op")
		})
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
func cost(b *testing.B, engine string) (percent float64) {
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
	sent := make(chan error, 1)
	address := lines.Text()
	go func() { sent <- pacedPeer(ctx, address) }()
	if !lines.Scan() {
		b.Error("the child says no cost")
	}
	cancel()
	if err := <-sent; err != nil {
		b.Error(err)
	}
	percent, err = strconv.ParseFloat(strings.TrimSpace(lines.Text()), 64)
	if err != nil {
		b.Error(err)
	}
	return percent
}

// receiver is the child: it prints its address, and what costTime of one encoder
// cost it.
func receiver(engine string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	wait, err := map[string]func(context.Context) (func(func()) error, error){"ours": ourReceiver, "gosrt": gosrtReceiver}[engine](ctx)
	if err != nil {
		return err
	}
	done := errors.New("done")
	var began time.Time
	var before time.Duration
	received := 0
	err = wait(func() {
		received++
		switch {
		case received == 500:
			began, before = time.Now(), cpu()
		case received > 500 && time.Since(began) >= costTime:
			fmt.Println((cpu() - before).Seconds() / time.Since(began).Seconds() * 100)
			os.Exit(0)
		}
	})
	return errors.Join(done, err)
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func ourReceiver(ctx context.Context) (func(func()) error, error) {
	l, err := srt.Listen("127.0.0.1:0", srt.Config{})
	if err != nil {
		return nil, err
	}
	fmt.Println(l.Addr())
	go func() { _ = l.Run(ctx) }()
	return func(payload func()) error {
		r, err := l.Accept(ctx)
		if err != nil {
			return err
		}
		c, err := r.Accept()
		if err != nil {
			return err
		}
		return c.Receive(func([]byte) error { payload(); return nil })
	}, nil
}

func gosrtReceiver(context.Context) (func(func()) error, error) {
	l, err := gosrt.Listen("srt", "127.0.0.1:0", gosrt.DefaultConfig())
	if err != nil {
		return nil, err
	}
	fmt.Println(l.Addr())
	return func(payload func()) error {
		r, err := l.Accept2()
		if err != nil {
			return err
		}
		c, err := r.Accept()
		if err != nil {
			return err
		}
		for {
			p, err := c.ReadPacket()
			if err != nil {
				return err
			}
			payload()
			p.Decommission()
		}
	}, nil
}

// pacedPeer calls and sends evenly until ctx ends. It answers ACKs.
func pacedPeer(ctx context.Context, address string) error {
	conn, err := net.Dial("udp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	hello := packet.Handshake{Version: 4, Extension: packet.Datagram, Sequence: 1000, MTU: 1500, FlowWindow: 8192, Type: packet.Induction, Socket: 7}
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
