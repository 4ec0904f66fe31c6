package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest/quic"
	"github.com/freshet-live/freshet/ingest/srt"
	"github.com/freshet-live/freshet/transport/certs"
)

func askSRT(t *testing.T, g *running, token string) string {
	t.Helper()
	caller, err := srt.Call("srt://" + g.srt.Addr().String() + "?streamid=%23!::r=live/by-srt,m=publish,token=" + token)
	if refused, ok := errors.AsType[*srt.RejectedError](err); ok {
		return fmt.Sprint(refused.Code)
	}
	if err != nil {
		t.Fatal(err)
	}
	caller.Close()
	return ""
}

func askQUIC(t *testing.T, g *running, token string) string {
	t.Helper()
	client, err := quic.Dial(t.Context(), quic.ClientConfig{
		Address: g.web.HTTPSAddr().String(), TLS: certs.Pinned(g.certs.Hash()), Name: "live/by-quic", Token: token,
	})
	if closed, ok := errors.AsType[*quic.ClosedError](err); ok {
		return fmt.Sprintf("%#x", uint64(closed.Code))
	}
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	return ""
}

func basicAuth(url, token string) (string, string) {
	if token == "" {
		return url, ""
	}
	req := http.Request{Header: make(http.Header)}
	req.SetBasicAuth("anybody", token)
	return url, "Authorization: " + req.Header.Get("Authorization") + "\r\n"
}

func inQuery(url, token string) (string, string) { return url + "?jwt=" + token, "" }

// announceRTSP is the request to publish a stream of Opus.
func announceRTSP(url, header string) string {
	const sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
		"m=audio 0 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\na=control:streamid=0\r\n"
	return fmt.Sprintf("ANNOUNCE %s RTSP/1.0\r\nCSeq: 1\r\n%sContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", url, header, len(sdp), sdp)
}

func askRTSP(show func(url, token string) (newURL, header string)) func(*testing.T, *running, string) string {
	return func(t *testing.T, g *running, token string) string {
		t.Helper()
		conn, err := net.Dial("tcp", g.rtsp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		// A path of its own for each: a name stays with its publisher for a while.
		url, header := show(fmt.Sprintf("rtsp://%s/live/by-rtsp-%d", g.rtsp.Addr(), time.Now().UnixNano()), token)
		_, _ = fmt.Fprint(conn, announceRTSP(url, header))
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(line)[1]
	}
}

// askHTTP gives the status, and whether a list names the broadcast.
func askHTTP(path string) func(*testing.T, *running, string) string {
	return func(t *testing.T, g *running, token string) string {
		t.Helper()
		status, body := try(t, g.url(path+"?token="+token))
		if strings.Contains(body, `"name":"live/demo"`) {
			return fmt.Sprintf("%d live/demo", status)
		}
		return fmt.Sprint(status)
	}
}
