package moqttest_test

import (
	"testing"
	"testing/synctest"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/conntest"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
)

func pair(t *testing.T) (client, server moqt.Conn) {
	t.Helper()
	c, s := moqttest.Pair(moqttest.Config{})
	t.Cleanup(func() {
		_ = c.CloseWithError(0, "")
		_ = s.CloseWithError(0, "")
	})
	return c, s
}

func TestConn(t *testing.T) { conntest.Run(t, pair) }

func TestResetInsideBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t)
		out, err := client.OpenUniStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte("lost")); err != nil {
			t.Fatal(err)
		}
		out.CancelWrite(7)
		in, err := server.AcceptUniStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n, err := in.Read(make([]byte, 4)); n != 0 || err == nil {
			t.Errorf("read %d bytes, %v; a reset throws away what was not read", n, err)
		}
	})
}
