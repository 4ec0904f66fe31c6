package rtsp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/rtsp"
)

const sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
	"m=audio 0 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\na=control:streamid=0\r\n"

// sharedLATM has two layers that share a configuration, which gortsplib's parser
// does not survive.
const sharedLATM = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n" +
	"m=audio 0 RTP/AVP 96\r\na=rtpmap:96 MP4A-LATM/48000/2\r\na=fmtp:96 cpresent=0;config=400223203fe3fc\r\na=control:streamid=0\r\n"

// ask sends requests on one connection and gives the status line of the last
// answer, with its challenge.
func ask(t *testing.T, g *gateway, requests ...string) (status, challenge string) {
	t.Helper()
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	r := textproto.NewReader(bufio.NewReader(conn))
	for i, req := range requests {
		if _, err := io.WriteString(conn, strings.Replace(req, "\r\n", fmt.Sprintf("\r\nCSeq: %d\r\n", i+1), 1)); err != nil {
			t.Fatal(err)
		}
		if status, err = r.ReadLine(); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		header, err := r.ReadMIMEHeader()
		if err != nil {
			t.Fatal(err)
		}
		challenge = header.Get("WWW-Authenticate")
	}
	return status, challenge
}

func announce(g *gateway, path, body string, headers ...string) string {
	head := fmt.Sprintf("ANNOUNCE rtsp://%s/%s RTSP/1.0\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n", g.addr, path, len(body))
	for _, h := range headers {
		head += h + "\r\n"
	}
	return head + "\r\n" + body
}

// onlyGood admits the token "good" everywhere, and "known" nowhere.
func onlyGood(_ context.Context, req ingest.Request) error {
	switch req.Token {
	case "good":
		return nil
	case "known":
		return ingest.ErrForbidden
	}
	return ingest.ErrUnauthorized
}

func TestRefusals(t *testing.T) {
	g := start(t, rtsp.Config{Address: "127.0.0.1:0"}, onlyGood)
	basic := func(userPassword string) string { return "Authorization: Basic " + userPassword }
	const good, bad = "dXNlcjpnb29k", "dXNlcjpiYWQ=" // user:good, user:bad
	const challenge = `Basic realm="freshet"`
	describe := "DESCRIBE rtsp://" + g.addr + "/live/a RTSP/1.0\r\n\r\n"
	setup := "SETUP rtsp://" + g.addr + "/live/a/trackID=0 RTSP/1.0\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
	for name, c := range map[string]struct {
		requests          []string
		status, challenge string
	}{
		"no token":            {[]string{announce(g, "live/a", sdp)}, "401 Unauthorized", challenge},
		"bad token":           {[]string{announce(g, "live/a", sdp, basic(bad))}, "401 Unauthorized", challenge},
		"asked and answered":  {[]string{announce(g, "live/b", sdp), announce(g, "live/b", sdp, basic(good))}, "200 OK", ""},
		"token in the query":  {[]string{announce(g, "live/c?token=good", sdp)}, "200 OK", ""},
		"token of another":    {[]string{announce(g, "live/d?token=known", sdp)}, "403 Forbidden", ""},
		"bad name":            {[]string{announce(g, "live//a", sdp, basic(good))}, "400 Bad Name", ""},
		"no name":             {[]string{announce(g, "", sdp, basic(good))}, "400 Bad Name", ""},
		"nothing to carry":    {[]string{announce(g, "live/a", strings.Replace(sdp, "opus/48000/2", "PCMU/8000", 1))}, "415 Unsupported Media Type", ""},
		"no SDP":              {[]string{announce(g, "live/a", "")}, "400 Bad Request", ""},
		"parser's nil":        {[]string{announce(g, "live/a", sharedLATM)}, "400 Bad Request", ""},
		"DESCRIBE":            {[]string{describe}, "405 Method Not Allowed", ""},
		"SETUP of a player":   {[]string{setup}, "405 Method Not Allowed", ""},
		"PLAY out of nowhere": {[]string{"PLAY rtsp://" + g.addr + "/live/a RTSP/1.0\r\n\r\n"}, "501 Not Implemented", ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, asked := ask(t, g, c.requests...)
			if status != "RTSP/1.0 "+c.status || asked != c.challenge {
				t.Errorf("%s, challenge %q; want %s, %q", status, asked, c.status, c.challenge)
			}
		})
	}
	if log := g.log.String(); strings.Contains(log, good) || strings.Contains(log, "token=") {
		t.Error("a token is logged")
	}
}

// A name has one owner, whatever door it came by.
func TestOneOwner(t *testing.T) {
	g := start(t, rtsp.Config{Address: "127.0.0.1:0"}, nil)
	owner, err := g.sessions.Open(t.Context(), ingest.Request{Name: "live/a", Protocol: "srt"})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := ask(t, g, announce(g, "live/a", sdp)); status != "RTSP/1.0 400 Already Publishing" {
		t.Errorf("%s", status)
	}
	owner.Close()
	if status, _ := ask(t, g, announce(g, "live/a", sdp)); status != "RTSP/1.0 200 OK" {
		t.Errorf("the name is free: %s", status)
	}
	g.sessions.Drain()
	if status, _ := ask(t, g, announce(g, "live/b", sdp)); status != "RTSP/1.0 503 Draining" {
		t.Errorf("%s", status)
	}
	want := `
# HELP freshet_rtsp_rejected_total RTSP requests refused.
# TYPE freshet_rtsp_rejected_total counter
freshet_rtsp_rejected_total{reason="already_publishing"} 1
freshet_rtsp_rejected_total{reason="draining"} 1
`
	if err := testutil.GatherAndCompare(g.reg, strings.NewReader(want), "freshet_rtsp_rejected_total"); err != nil {
		t.Error(err)
	}
}

// A publisher that is replaced by ingest is hung up on.
func TestTakenOver(t *testing.T) {
	g := start(t, rtsp.Config{Address: "127.0.0.1:0"}, nil)
	if status, _ := ask(t, g, announce(g, "live/a", sdp)); status != "RTSP/1.0 200 OK" {
		t.Fatal(status)
	}
	eventually(t, "the silent one to give way", func() bool {
		s, err := g.sessions.Open(t.Context(), ingest.Request{Name: "live/a", Protocol: "srt"})
		if err == nil {
			defer s.Close()
		}
		return err == nil
	})
	eventually(t, "the end", func() bool { return strings.Contains(g.log.String(), "reason=taken_over") })
}

// Those who are too many are hung up on, and the others stay.
func TestTooManyConnections(t *testing.T) {
	g := start(t, rtsp.Config{Address: "127.0.0.1:0"}, nil)
	for range rtsp.MaxConnections {
		conn, err := net.Dial("tcp", g.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestListenMistakes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, cfg := range []rtsp.Config{
		{Address: taken.Addr().String()},
		{Address: "127.0.0.1:0", RTPAddress: "127.0.0.1:8001"},
		{Address: "127.0.0.1:0", RTPAddress: "127.0.0.1"},
	} {
		if door, err := rtsp.Listen(cfg); err == nil {
			door.Close()
			t.Errorf("%+v: no error", cfg)
		}
	}
	door, err := rtsp.Listen(rtsp.Config{Address: "127.0.0.1:0", RTPAddress: evenPort(t)})
	if err != nil {
		t.Fatal(err)
	}
	addr := door.Addr().String()
	door.Close()
	again, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("Close left the port: %v", err)
	}
	again.Close()
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
