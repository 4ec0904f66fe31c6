package wsconn_test

import (
	"context"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/wsconn"
)

// TestHostileMessages: whatever is no record of QMux ends the connection at once, and a
// client that says nothing does not hold its place.
func TestHostileMessages(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(cfg *wsconn.Config) {
		cfg.MoQ = func(_ context.Context, conn moqt.Conn) {
			t.Errorf("a session was made for %v", conn.RemoteAddr())
		}
	})
	for _, tt := range []struct {
		name   string
		kind   websocket.MessageType
		length int
	}{
		{"text", websocket.MessageText, 10},
		{"too large", websocket.MessageBinary, 20 << 10},
		{"no parameters", websocket.MessageBinary, 10},
		{"nothing", websocket.MessageBinary, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
			defer cancel()
			ws, _, err := websocket.Dial(ctx, n.url, &websocket.DialOptions{Subprotocols: []string{"moqt-18"}})
			if err != nil {
				t.Fatal(err)
			}
			defer ws.CloseNow()
			if tt.length >= 0 {
				if err := ws.Write(ctx, tt.kind, make([]byte, tt.length)); err != nil {
					t.Fatal(err)
				}
			}
			for err == nil {
				_, _, err = ws.Read(ctx)
			}
			if ctx.Err() != nil {
				t.Error("the connection is still open")
			}
		})
	}
}
