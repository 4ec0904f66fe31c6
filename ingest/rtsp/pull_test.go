package rtsp_test

import (
	"context"
	"strings"
	"testing"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/rtsp"
)

func TestPull(t *testing.T) {
	file := source(t, join(x264, aac)...)
	for _, c := range []struct {
		transport rtsp.Transport
		udp       bool // The camera has it.
		want      string
	}{
		{rtsp.TransportTCP, true, "tcp"},
		{rtsp.TransportUDP, true, "udp"},
		{rtsp.TransportAuto, true, "udp"},
		{"", false, "tcp"},
	} {
		t.Run(string(c.transport)+" gives "+c.want, func(t *testing.T) {
			t.Parallel()
			rtpAddress := ""
			if c.udp {
				rtpAddress = evenPort(t)
			}
			cam := newCamera(t, "127.0.0.1:0", rtpAddress)
			cam.film(t, file)
			refuse := func(context.Context, ingest.Request) error { return ingest.ErrUnauthorized }
			g := start(t, rtsp.Config{Pulls: []rtsp.Pull{{Name: "live/door", URL: cam.url(), Transport: c.transport}}}, refuse)
			s := g.sink("live/door")
			s.wait(t, "a few pictures", func(s *sink) bool { return len(s.units) > 100 })
			if got := g.stats(t, "live/door"); got.Transport != c.want || len(got.Streams) != 2 {
				t.Errorf("statistics: %+v", got)
			}
			expectFile(t, s, probe(t, file, true))
			g.stop()
			if log := g.log.String(); strings.Contains(log, cameraPassword) {
				t.Errorf("the log shows the password: %s", log)
			}
		})
	}
}

// expectFile finds the pictures that came in the file, which runs in a loop; those
// before a random access point are left out.
func expectFile(t *testing.T, s *sink, want []packet) {
	t.Helper()
	place := make(map[string]int, len(want))
	for i, p := range want {
		place[p.Hash] = i
	}
	video := s.of(true)
	for i, u := range video {
		at, known := place[u.hash]
		if !known {
			t.Fatalf("picture %d is none of the file", i)
		}
		if i == 0 && !u.random {
			t.Error("it does not begin with a random access point")
		}
		if i > 0 && at != (place[video[i-1].hash]+1)%len(want) {
			t.Errorf("picture %d is number %d of the file, after %d", i, at, place[video[i-1].hash])
		}
	}
}

// A camera that goes away is asked for until it is back, and the broadcast goes on.
func TestPullAgain(t *testing.T) {
	file := source(t, join(x264, aac)...)
	cam := newCamera(t, "127.0.0.1:0", "")
	g := start(t, rtsp.Config{Pulls: []rtsp.Pull{{Name: "live/door", URL: cam.url()}}}, nil)
	s := g.sink("live/door")
	cam.film(t, file)
	s.wait(t, "pictures", func(s *sink) bool { return len(s.units) > 20 })
	cam.close()
	s.wait(t, "the end", func(s *sink) bool { return s.ended == 1 })
	cam = newCamera(t, cam.addr, "")
	cam.film(t, file)
	s.wait(t, "the second begin", func(s *sink) bool { return s.begun == 2 })
	before := len(s.of(true))
	s.wait(t, "more pictures", func(s *sink) bool { return len(s.units) > before+50 })
	if got := g.sessions.Snapshot(); len(got) != 1 || got[0].Reconnects != 1 || got[0].State != ingest.StateReceiving {
		t.Errorf("%+v", got)
	}
	if log := g.log.String(); !strings.Contains(log, "reason=camera_gone") || strings.Contains(log, cameraPassword) {
		t.Errorf("log: %s", log)
	}
}

// A camera with another password, and one that is not there, are no reason to end.
func TestPullRefused(t *testing.T) {
	file := source(t, join(x264, aac)...)
	cam := newCamera(t, "127.0.0.1:0", "")
	cam.film(t, file)
	url := strings.Replace(cam.url(), cameraPassword, "wrong-one", 1)
	g := start(t, rtsp.Config{Pulls: []rtsp.Pull{{Name: "live/door", URL: url}}}, nil)
	eventually(t, "two attempts", func() bool { return strings.Count(g.log.String(), "rtsp camera is not there") >= 2 })
	if log := g.log.String(); strings.Contains(log, "wrong-one") || !strings.Contains(log, "401") {
		t.Errorf("log: %s", log)
	}
}

func TestPullMistakes(t *testing.T) {
	for _, p := range []rtsp.Pull{
		{Name: "a", URL: "http://user:hush-hush@host/"},
		{Name: "a", URL: "rtsp://user:hush-hush%zz@host/"},
		{Name: "a", URL: "rtsp://host/", Transport: "pigeon"},
	} {
		_, err := rtsp.Listen(rtsp.Config{Pulls: []rtsp.Pull{p}})
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
