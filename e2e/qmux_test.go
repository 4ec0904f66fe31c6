package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/wsconn"
)

// pushedBytes go to the foreign client on one stream, several times its window.
const pushedBytes = 5 << 20

// TestForeignQMux: @moq/qmux, which shares no code with us, brings and gets streams
// beyond every window, resets and stops with their codes, datagrams and a close.
func TestForeignQMux(t *testing.T) {
	beside(t)
	rig.Need(t, "node")
	for _, version := range []string{"qmux-02", "qmux-01"} {
		t.Run(version, func(t *testing.T) {
			ended := make(chan error, 1)
			server := httptest.NewServer(wsconn.New(wsconn.Config{
				Protocols: []string{"moqt-18"},
				MoQ: func(_ context.Context, conn moqt.Conn) {
					go serveForeign(conn)
					<-conn.Context().Done()
					ended <- context.Cause(conn.Context())
				},
			}))
			defer server.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			url := "ws" + strings.TrimPrefix(server.URL, "http") + "/moq"
			cmd := exec.CommandContext(ctx, "node", "--experimental-websocket", filepath.Join(scripts, "qmux.mjs"), url, version)
			cmd.Stderr = t.Output()
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			checkForeign(t, out)
			closed, ok := errors.AsType[*moqt.CloseError](<-ended)
			if !ok || closed.Code != 7 || closed.Reason != "done" || !closed.Remote {
				t.Errorf("the connection ended with %v", closed)
			}
		})
	}
}

func checkForeign(t *testing.T, out []byte) {
	t.Helper()
	var saw struct {
		Protocol string
		Echoes   []struct {
			Length     int
			Hash, Sent string
		}
		Pushed struct {
			Length int
			Hash   string
		}
		Reset, Stop any
		Datagram    string
	}
	must(t, json.Unmarshal(out, &saw))
	if saw.Protocol != "moqt-18" || saw.Datagram != "datagram" || saw.Pushed.Length != pushedBytes || len(saw.Echoes) != 3 {
		t.Errorf("saw %s", out)
	}
	for _, e := range saw.Echoes {
		if e.Hash != e.Sent {
			t.Errorf("%d bytes came back, others than were sent", e.Length)
		}
	}
	if saw.Reset != float64(0x1234) || saw.Stop != float64(0x42) {
		t.Errorf("reset with %v, stop with %v", saw.Reset, saw.Stop)
	}
}

// serveForeign echoes streams and datagrams, refuses those that ask for it, and sends a
// stream of its own.
func serveForeign(conn moqt.Conn) {
	ctx := conn.Context()
	go func() {
		if out, err := conn.OpenUniStream(ctx); err == nil {
			_, _ = out.Write(bytes.Repeat([]byte{'p'}, pushedBytes))
			_ = out.Close()
		}
	}()
	go func() {
		for {
			b, err := conn.ReceiveDatagram(ctx)
			if err != nil {
				return
			}
			_ = conn.SendDatagram(b)
		}
	}()
	for {
		s, err := conn.AcceptStream(ctx)
		if err != nil {
			return
		}
		go answerForeign(s)
	}
}

func answerForeign(s moqt.Stream) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(s, head); err != nil {
		return
	}
	switch string(head) {
	case "rese":
		s.CancelWrite(0x1234)
	case "stop":
		s.CancelRead(0x42)
	default:
		_, _ = io.Copy(s, io.MultiReader(bytes.NewReader(head), s))
		_ = s.Close()
	}
}
