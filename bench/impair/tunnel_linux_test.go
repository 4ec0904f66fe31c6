package impair_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/freshet-live/freshet/bench/impair"
)

// namespace makes a network namespace that ends with the test.
func namespace(t *testing.T, name string) string {
	t.Helper()
	name = fmt.Sprintf("freshet-%s-%d", name, os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("no network namespaces: %s", out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", name).Run() })
	return name
}

// listenIn opens a socket in a namespace; it stays there.
func listenIn(t *testing.T, namespace, address string) *net.UDPConn {
	t.Helper()
	type result struct {
		conn *net.UDPConn
		err  error
	}
	made := make(chan result)
	go func() {
		runtime.LockOSThread() // The thread ends with the goroutine.
		file, err := os.Open(filepath.Join("/run/netns", namespace))
		if err == nil {
			defer file.Close()
			err = unix.Setns(int(file.Fd()), unix.CLONE_NEWNET)
		}
		var conn *net.UDPConn
		if err == nil {
			conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(address)})
		}
		made <- result{conn, err}
	}()
	r := <-made
	if r.err != nil {
		t.Fatal(r.err)
	}
	t.Cleanup(func() { r.conn.Close() })
	return r.conn
}

func TestTunnelBetweenNamespaces(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	left, right := namespace(t, "left"), namespace(t, "right")
	path := impair.Path{Up: impair.Settings{Delay: new(30 * ms), MTU: new(1000)}, Down: impair.Settings{Delay: new(20 * ms), Duplicate: percent(t, "100%")}}
	var devices []impair.Device
	for _, d := range []string{"imp0=10.87.5.1/24@" + left, "imp1=10.87.5.2/24@" + right} {
		devices = append(devices, *text[impair.Device](t, d))
	}
	network, err := impair.New(impair.Config{Paths: []impair.Path{path}, Ends: []impair.Ends{{Devices: devices}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- network.Run(ctx) }()
	a, b := listenIn(t, left, "10.87.5.1"), listenIn(t, right, "10.87.5.2")

	began, buffer := time.Now(), make([]byte, 2000)
	a.WriteTo(make([]byte, 1000), b.LocalAddr()) // Too large with its headers.
	a.WriteTo([]byte("hello"), b.LocalAddr())
	b.SetReadDeadline(began.Add(patience))
	n, from, err := b.ReadFrom(buffer)
	if err != nil || string(buffer[:n]) != "hello" {
		t.Fatalf("%d bytes, %v", n, err)
	}
	b.WriteTo([]byte("back"), from)
	a.SetReadDeadline(began.Add(patience))
	for range 2 {
		if n, _, err := a.ReadFrom(buffer); err != nil || string(buffer[:n]) != "back" {
			t.Fatalf("%d bytes, %v", n, err)
		}
	}
	if took := time.Since(began); took < 50*ms {
		t.Errorf("took %v", took)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	r := network.Readings()
	if r[0].Stats.Dropped[impair.TooBig] != 1 || r[1].Stats.Duplicated < 1 || !r[0].OwnLossKnown || r[0].OwnLoss != 0 {
		t.Errorf("up: %v dropped, own loss %d; down: %d duplicated", r[0].Stats.Dropped, r[0].OwnLoss, r[1].Stats.Duplicated)
	}
}

func TestDevices(t *testing.T) {
	for text, ok := range map[string]bool{
		"imp0": true, "imp0@left": true, "imp0=10.0.0.1/24": true, "imp0=10.0.0.1/24@left": true,
		"": false, "=10.0.0.1/24": false, "a-name-too-long-0": false, "imp0=10.0.0.1": false, "imp0=fd00::1/64": false, "imp0@../left": false,
	} {
		var d impair.Device
		if err := d.UnmarshalText([]byte(text)); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
