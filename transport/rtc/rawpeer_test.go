package rtc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/rtc"
	"github.com/freshet-live/freshet/transport/rtc/rtctest"
)

// rawPeer is a peer that says what a test wants: pion without anything of ours.
// It makes the offer.
type rawPeer struct {
	tb              testing.TB
	pc              *webrtc.PeerConnection
	control, pieces *webrtc.DataChannel
	opened          chan struct{} // Once for each channel.
	other           *side
	idle            context.CancelFunc // Nothing is taken of what the viewer hands on.
	all             sync.WaitGroup
	sdp             func(string) string // Changes the offer.
}

// newRawPeer connects a raw peer, number 1, to a viewer, number 2.
func newRawPeer(tb testing.TB, change func(*rawPeer, *rtc.ConnConfig)) *rawPeer {
	tb.Helper()
	n := rtctest.New(tb, 1)
	cert := certificate(tb)
	prints, err := cert.GetFingerprints()
	if err != nil {
		tb.Fatal(err)
	}
	r := &rawPeer{tb: tb, opened: make(chan struct{}, 2), sdp: func(s string) string { return s }}
	r.pc = rawConnection(tb, n.Host(home), cert)
	r.other = newSide(tb, n.Host(home), 0)
	cfg := rtc.ConnConfig{
		Self: 2, Peer: 1, Token: token, Events: r.other.take,
		Fingerprint: strings.ToLower(strings.ReplaceAll(prints[0].Value, ":", "")),
	}
	if change != nil {
		change(r, &cfg)
	}
	r.other.conn = r.other.endpoint.Conn(cfg)
	r.channels()
	r.run()
	return r
}

func certificate(tb testing.TB) *webrtc.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := webrtc.GenerateCertificate(key)
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}

func rawConnection(tb testing.TB, host *rtctest.Host, cert *webrtc.Certificate) *webrtc.PeerConnection {
	tb.Helper()
	var s webrtc.SettingEngine
	s.LoggerFactory = &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}
	s.SetNet(host)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{*cert},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return pc
}

func (r *rawPeer) channels() {
	for i, to := range []**webrtc.DataChannel{&r.control, &r.pieces} {
		id, ordered, negotiated := uint16(i), i == 0, true
		dc, err := r.pc.CreateDataChannel("", &webrtc.DataChannelInit{ID: &id, Ordered: &ordered, Negotiated: &negotiated})
		if err != nil {
			r.tb.Fatal(err)
		}
		dc.OnOpen(func() { r.opened <- struct{}{} })
		*to = dc
	}
}

// open waits until both channels are.
func (r *rawPeer) open() {
	r.tb.Helper()
	for range 2 {
		select {
		case <-r.opened:
		case <-time.After(10 * time.Second):
			r.tb.Fatal("channels do not open")
		}
	}
}

func (r *rawPeer) run() {
	ctx, cancel := context.WithCancel(context.Background())
	taking, idle := context.WithCancel(ctx)
	r.idle = idle
	r.other.stop = cancel
	r.pc.OnICECandidate(func(i *webrtc.ICECandidate) {
		if i != nil {
			c := i.ToJSON()
			r.other.conn.Signal(rtc.Signal{Candidate: &rtc.Candidate{Candidate: c.Candidate, SDPMid: c.SDPMid, SDPMLineIndex: c.SDPMLineIndex}})
		}
	})
	r.all.Go(func() { r.other.ended <- r.other.conn.Run(ctx) })
	r.all.Go(func() { r.carry(taking) })
	offer, err := r.pc.CreateOffer(nil)
	if err != nil {
		r.tb.Fatal(err)
	}
	// Before it is sent: an answer that comes sooner would not be taken.
	if err := r.pc.SetLocalDescription(offer); err != nil {
		r.tb.Fatal(err)
	}
	r.other.conn.Signal(rtc.Signal{Description: &rtc.Description{Type: "offer", SDP: r.sdp(offer.SDP)}})
	r.tb.Cleanup(func() {
		cancel()
		_ = r.pc.GracefulClose()
		r.all.Wait()
	})
}

func (r *rawPeer) carry(ctx context.Context) {
	for {
		select {
		case e := <-r.other.events:
			switch {
			case e.Kind != rtc.Signalled:
				r.other.heard <- e
			case e.Signal.Description != nil:
				// It does not care how long messages may be.
				sdp := strings.Replace(e.Signal.Description.SDP, "a=max-message-size:16384", "a=max-message-size:262144", 1)
				_ = r.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp})
			case e.Signal.Candidate != nil:
				_ = r.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: e.Signal.Candidate.Candidate})
			}
		case <-ctx.Done():
			return
		}
	}
}

// say sends a message on `control`, whatever it is.
func (r *rawPeer) say(b []byte) { _ = r.control.Send(b) }

// give sends a message on `pieces`.
func (r *rawPeer) give(b []byte) { _ = r.pieces.Send(b) }

func (r *rawPeer) hello() {
	r.say(message(r.tb, &wire.PeerMessage{Type: wire.PeerHello, Version: 1, Peer: 1, Token: []byte(token)}))
}

func message(tb testing.TB, m *wire.PeerMessage) []byte {
	tb.Helper()
	b, err := wire.AppendPeer(nil, m)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// connect waits until the channels are open and says HELLO.
func (r *rawPeer) connect(t *testing.T) {
	t.Helper()
	r.open()
	r.hello()
	r.other.await(t, rtc.Opened)
}

// within tells that the viewer's connection ends with an error, or one of several, in
// some time.
func (r *rawPeer) within(t *testing.T, limit time.Duration, want ...error) {
	t.Helper()
	start := time.Now()
	err := r.other.end(t)
	if !slices.ContainsFunc(want, func(w error) bool { return isError(err, w) }) {
		t.Errorf("ended with %v, want %v", err, want)
	}
	if took := time.Since(start); took > limit {
		t.Errorf("ended after %v", took)
	}
}
