package moqt_test

import (
	"context"
	"encoding/hex"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// FuzzSession throws bytes at a server's control stream and at a request
// stream. Whatever they are, the session ends when the peer leaves, and a
// session beside it works.
func FuzzSession(f *testing.F) {
	seed := func(draft byte, control, request string) {
		c, err := hex.DecodeString(control)
		if err != nil {
			f.Fatal(err)
		}
		r, err := hex.DecodeString(request)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(draft, c, r)
	}
	seed(0, "af000000", "03000c0001046c6976650376696400")
	seed(0, "af000000", "160011000101046c697665037669640102090400")
	seed(0, "af000000", "5000080001046c69766500")
	seed(0, "af00000010000300138801", "0d000c0001046c6976650376696400")
	seed(1, "2000010003000d0001046c697665037669640100", "")
	seed(1, "20000100"+"0300100001046c6976650376696401210102"+"16000502020000"+"00"+"0a000100", "1100090401046c6976650100")

	o := newOrigin(f, nil)
	o.group(o.track("vid"), 1, 3)
	f.Fuzz(func(t *testing.T, draft byte, control, request []byte) {
		d := wire.Dialects[int(draft)%len(wire.Dialects)]
		near, far := moqttest.Pair(moqttest.Config{Protocol: d.Protocol})
		ended := o.serve(far)
		ctx := context.Background()
		var st moqt.SendStream
		var err error
		if d.Control == wire.TwoUni {
			st, err = near.OpenUniStream(ctx)
		} else {
			st, err = near.OpenStream(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _ = st.Write(control)
		if st, err := near.OpenStream(ctx); err == nil {
			_, _ = st.Write(request)
			_ = st.Close()
		}
		time.Sleep(time.Millisecond)
		_ = near.CloseWithError(0, "")
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("the session did not end")
		}
	})
	if _, ok := o.relay.Broadcast(cam); !ok {
		f.Error("the broadcast is gone")
	}
}
