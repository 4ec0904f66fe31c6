package srt_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	gosrt "github.com/datarhei/gosrt"

	"github.com/freshet-live/freshet/transport/srt"
	"github.com/freshet-live/freshet/transport/srt/keys"
)

func TestGosrtCalls(t *testing.T) {
	tests := []struct {
		name string
		bits int
	}{{"in clear", 0}, {"AES-128", 128}, {"AES-192", 192}, {"AES-256", 256}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := start(t, srt.Config{})
			passphrase := ""
			if tt.bits > 0 {
				passphrase = "correct-horse"
			}
			called := l.dial(t, func(c *gosrt.Config) {
				c.StreamId = "live/cam1"
				if tt.bits > 0 {
					c.Passphrase, c.PBKeylen = passphrase, tt.bits/8
				}
			})
			r := l.request(t)
			if r.StreamID() != "live/cam1" || r.Encrypted() != (tt.bits > 0) || r.HandshakeVersion() != 5 || r.PeerVersion() != 0x10401 {
				t.Errorf("stream id %q, encrypted %v, handshake %d, SRT %x", r.StreamID(), r.Encrypted(), r.HandshakeVersion(), r.PeerVersion())
			}
			if tt.bits > 0 {
				if err := r.SetPassphrase(passphrase); err != nil {
					t.Fatal(err)
				}
			}
			c, err := r.Accept()
			if err != nil {
				t.Fatal(err)
			}
			in := receiveAll(t, c)
			push(t, called(), 300)
			checkNumbered(t, in.wait(t, 300))
			s := c.Stats()
			if s.PktRecv < 300 || s.PktRcvDrop != 0 || s.PktRcvUndecrypt != 0 || s.PktSentACK == 0 || s.MsRcvTsbPdDelay != 120 || s.ByteRecv < 300*1332 {
				t.Errorf("statistics %+v", s)
			}
		})
	}
}

// The last latency of a stream is handed on when its encoder hangs up.
func TestHangUpHandsOutEverything(t *testing.T) {
	l := start(t, srt.Config{Latency: 5 * time.Second})
	called := l.dial(t, nil)
	in := receiveAll(t, l.accept(t, ""))
	caller := called()
	push(t, caller, 200)
	waitFor(t, "all packets held", func() bool { return in.conn.Stats().PktRcvBuf == 200 })
	_ = caller.Close()
	if err := in.end(t); !errors.Is(err, srt.ErrPeerClosed) {
		t.Errorf("Receive: %v", err)
	}
	if len(in.payloads) != 200 {
		t.Errorf("%d payloads", len(in.payloads))
	}
	checkNumbered(t, in.payloads)
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func TestKeysChange(t *testing.T) {
	l := start(t, srt.Config{})
	called := l.dial(t, func(c *gosrt.Config) {
		c.Passphrase, c.KMRefreshRate, c.KMPreAnnounce = "correct-horse", 200, 60
	})
	in := receiveAll(t, l.accept(t, "correct-horse"))
	push(t, called(), 1000)
	checkNumbered(t, in.wait(t, 1000))
	if s := in.conn.Stats(); s.PktRcvUndecrypt != 0 {
		t.Errorf("%d packets undecrypted", s.PktRcvUndecrypt)
	}
}

func TestWrongPassphrase(t *testing.T) {
	l := start(t, srt.Config{})
	refused := make(chan error, 1)
	go func() {
		_, err := l.tryDial(func(c *gosrt.Config) { c.Passphrase = "another-horse" })
		refused <- err
	}()
	r := l.request(t)
	if err := r.SetPassphrase("correct-horse"); !errors.Is(err, keys.ErrBadSecret) {
		t.Errorf("SetPassphrase: %v", err)
	}
	if _, err := r.Accept(); !errors.Is(err, srt.ErrNoPassphrase) {
		t.Errorf("Accept: %v", err)
	}
	r.Reject(1010)
	// gosrt tells the wire's number in base 32.
	if err := <-refused; err == nil || !strings.Contains(err.Error(), "REJECT (vi)") {
		t.Errorf("the caller sees %v", err)
	}
	if _, err := r.Accept(); err == nil {
		t.Error("accepted after all")
	}
}

func TestRejectCode(t *testing.T) {
	l := start(t, srt.Config{})
	refused := make(chan error, 1)
	go func() {
		_, err := l.tryDial(nil)
		refused <- err
	}()
	l.request(t).Reject(2403)
	// gosrt tells the wire's number in base 32.
	if err := <-refused; err == nil || !strings.Contains(err.Error(), "REJECT (2b3)") {
		t.Errorf("the caller sees %v", err)
	}
}

func TestCallerMayAskForMoreLatency(t *testing.T) {
	l := start(t, srt.Config{Latency: 50 * time.Millisecond})
	called := l.dial(t, func(c *gosrt.Config) { c.PeerLatency, c.ReceiverLatency = 400*time.Millisecond, 300*time.Millisecond })
	c := l.accept(t, "")
	defer c.Close()
	if c.Latency() != 400*time.Millisecond {
		t.Errorf("latency %v", c.Latency())
	}
	called()
}

// Close tells the peer, and Receive returns.
func TestCloseHangsUp(t *testing.T) {
	l := start(t, srt.Config{})
	called := l.dial(t, nil)
	in := receiveAll(t, l.accept(t, ""))
	caller := called()
	in.conn.Close()
	if err := in.end(t); !errors.Is(err, srt.ErrClosed) {
		t.Errorf("Receive: %v", err)
	}
	waitFor(t, "the caller's end", func() bool {
		_, err := caller.Write(numbered(0))
		return err != nil
	})
}

// What put fails with ends Receive.
func TestPutFails(t *testing.T) {
	l := start(t, srt.Config{})
	called := l.dial(t, nil)
	c := l.accept(t, "")
	defer c.Close()
	failed := errors.New("full")
	received := make(chan error, 1)
	go func() { received <- c.Receive(func([]byte) error { return failed }) }()
	push(t, called(), 5)
	if err := <-received; !errors.Is(err, failed) {
		t.Errorf("Receive: %v", err)
	}
}

// The end of the listener is the end of its connections.
func TestListenerCloses(t *testing.T) {
	l := start(t, srt.Config{})
	called := l.dial(t, nil)
	in := receiveAll(t, l.accept(t, ""))
	called()
	l.Close()
	if err := in.end(t); !errors.Is(err, srt.ErrClosed) {
		t.Errorf("Receive: %v", err)
	}
	if _, err := l.Accept(t.Context()); !errors.Is(err, srt.ErrListenerClosed) {
		t.Errorf("Accept: %v", err)
	}
}

func TestAddressInUse(t *testing.T) {
	l := start(t, srt.Config{})
	if _, err := srt.Listen(l.addr.String(), srt.Config{}); err == nil || !strings.HasSuffix(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
	if _, err := srt.Listen("localhost:0", srt.Config{}); err == nil {
		t.Error("took a host name")
	}
}

// On a socket of all addresses the answers come from the one that was called.
func TestAnswersComeFromWhereTheyWereAsked(t *testing.T) {
	for _, host := range []string{"0.0.0.0", "[::]", ""} {
		l := startAt(t, host+":0", srt.Config{})
		for _, to := range []string{"127.0.0.2", "[::1]"} {
			if host == "0.0.0.0" && to == "[::1]" || host == "[::]" && to == "127.0.0.2" {
				continue
			}
			p := newPeer(t, to+":"+l.port())
			p.induct()
			p.conclude(p.hello())
			if err := p.rejectedBy(l); err != nil {
				t.Errorf("listening on %q, called at %s: %v", host, to, err)
			}
		}
	}
}
