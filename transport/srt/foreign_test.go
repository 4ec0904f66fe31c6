package srt_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/srt"
)

const clip = "../../cmd/freshet/demo/clip.ts"

func ffmpeg(t *testing.T, url string) {
	t.Helper()
	program(t, "ffmpeg", "-hide_banner", "-loglevel", "info", "-re", "-i", clip, "-c", "copy", "-f", "mpegts", url)
}

// transportStream checks that payloads are whole transport packets.
func transportStream(t *testing.T, payloads []string) {
	t.Helper()
	for i, p := range payloads {
		if len(p)%188 != 0 || p[0] != 0x47 || !strings.HasPrefix(p[len(p)-188:], "G") {
			t.Fatalf("payload %d is %d bytes, begins with %#x", i, len(p), p[0])
		}
	}
}

func TestFFmpegPushes(t *testing.T) {
	tests := []struct{ name, query, passphrase string }{
		{"in clear", "streamid=live/cam1", ""},
		{"AES-128", "streamid=live/cam1&passphrase=correct-horse", "correct-horse"},
		{"AES-192", "streamid=live/cam1&passphrase=correct-horse&pbkeylen=24", "correct-horse"},
		{"AES-256", "streamid=live/cam1&passphrase=correct-horse&pbkeylen=32", "correct-horse"},
		{"keys change", "streamid=live/cam1&passphrase=correct-horse&kmrefreshrate=40&kmpreannounce=15", "correct-horse"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := start(t, srt.Config{})
			ffmpeg(t, l.url(tt.query))
			c := l.accept(t, tt.passphrase)
			in := receiveAll(t, c)
			transportStream(t, in.wait(t, 130))
			if s := c.Stats(); s.PktRcvUndecrypt != 0 || s.PktRcvDrop != 0 || s.MsRTT == 0 || s.PktSentACK == 0 {
				t.Errorf("statistics %+v", s)
			}
		})
	}
}

func TestSRTLiveTransmitPushes(t *testing.T) {
	for _, query := range []string{
		"passphrase=correct-horse&kmrefreshrate=40&kmpreannounce=15",
		"packetfilter=fec,cols:10,rows:5,arq:always&passphrase=correct-horse",
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			l := start(t, srt.Config{})
			port := freePort(t)
			program(t, "srt-live-transmit", "-q", "udp://127.0.0.1:"+port, l.url(query))
			program(t, "ffmpeg", "-hide_banner", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", clip,
				"-c", "copy", "-f", "mpegts", "udp://127.0.0.1:"+port+"?pkt_size=1316")
			in := receiveAll(t, l.accept(t, "correct-horse"))
			transportStream(t, in.wait(t, 130))
			if s := in.conn.Stats(); s.PktRcvUndecrypt != 0 || s.PktRcvDrop != 0 {
				t.Errorf("statistics %+v", s)
			}
		})
	}
}

// libsrt ends its connection in order; what it had sent is there to the end.
func TestFFmpegHangsUp(t *testing.T) {
	l := start(t, srt.Config{Latency: time.Second})
	program(t, "ffmpeg", "-hide_banner", "-loglevel", "info", "-re", "-t", "2", "-i", clip, "-c", "copy", "-f", "mpegts", l.url(""))
	in := receiveAll(t, l.accept(t, ""))
	if err := in.end(t); err != srt.ErrPeerClosed { //nolint:errorlint // As it is documented.
		t.Errorf("Receive: %v", err)
	}
	if s := in.conn.Stats(); uint64(len(in.payloads)) != s.PktRecvUnique || s.PktRcvDrop != 0 {
		t.Errorf("%d payloads handed on, statistics %+v", len(in.payloads), s)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, port, err := net.SplitHostPort(c.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
