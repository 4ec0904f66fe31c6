package moqt_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// A server's control stream comes after the client's: what a browser is sent with the
// answer to its CONNECT may never be shown to the page. A client that waits for the
// server gets it all the same.
func TestServerLetsClientBegin(t *testing.T) {
	for name, begins := range map[string]bool{"a client that begins": true, "a client that waits": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newRawPeer(t, newOrigin(t, nil), "moqt-18")
				early, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				if _, err := p.conn.AcceptUniStream(early); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("the server began, %v", err)
				}
				began := time.Now()
				if begins {
					p.setup()
				}
				st, err := p.conn.AcceptUniStream(ctxFor(t, time.Minute))
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); begins && took > 0 || took > time.Second {
					t.Errorf("it came after %v", took)
				}
				m, err := p.d.NewStreamReader(st).Message()
				if err != nil || m.Kind() != wire.KindSetup {
					t.Errorf("got %v, %v", m, err)
				}
				_ = p.conn.CloseWithError(0, "")
				<-p.ended
			})
		})
	}
}
