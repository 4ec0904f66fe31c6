// Package conntest is the conformance suite of moqt.Conn: what a session relies
// on, checked the same way for every adapter.
package conntest

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
)

// patience is far beyond what any step takes on a busy machine.
const patience = 10 * time.Second

// Pair makes two ends of one connection that speaks "moqt-18", both closed when
// the test ends.
type Pair func(t *testing.T) (client, server moqt.Conn)

// Run runs the suite.
func Run(t *testing.T, pair Pair) {
	t.Helper()
	tests := []struct {
		name string
		run  func(t *testing.T, client, server moqt.Conn)
	}{
		{"Protocol", testProtocol},
		{"EchoAndFin", testEcho},
		{"UniBothWays", testUni},
		{"WriteDoesNotRetain", testNotRetained},
		{"ResetReachesReader", testReset},
		{"StopReachesWriter", testStop},
		{"CancelWriteUnblocksWrite", testCancelWhileWriting},
		{"ContextAfterClose", testContextAfterClose},
		{"FlowControlAndWriteDeadline", testFlowControl},
		{"ReadDeadline", testReadDeadline},
		{"StreamLimit", testStreamLimit},
		{"Datagrams", testDatagrams},
		{"CloseByClient", testCloseByClient},
		{"CloseByServer", testCloseByServer},
		{"CloseUnblocks", testCloseUnblocks},
		{"CloseWhilePeerDoesNotRead", testCloseWhileBlocked},
		{"LongReason", testLongReason},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client, server := pair(t)
			tt.run(t, client, server)
		})
	}
}

// soon is a context for one step.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func must[T any](t *testing.T, what string) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return v
	}
}

// openUni gives both ends of a stream on which first was sent.
func openUni(t *testing.T, from, to moqt.Conn, first string) (moqt.SendStream, moqt.ReceiveStream) {
	t.Helper()
	out := must[moqt.SendStream](t, "open")(from.OpenUniStream(soon(t)))
	write(t, out, first)
	in := must[moqt.ReceiveStream](t, "accept")(to.AcceptUniStream(soon(t)))
	read(t, in, first)
	return out, in
}

func write(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if n, err := io.WriteString(w, text); n != len(text) || err != nil {
		t.Fatalf("write %q: %d, %v", text, n, err)
	}
}

func read(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got[:n], err, want)
	}
}

// wantReset checks the error of a stream.
func wantReset(t *testing.T, err error, code uint64, remote bool) {
	t.Helper()
	reset, ok := errors.AsType[*moqt.StreamError](err)
	if !ok || reset.Code != code || reset.Remote != remote {
		t.Errorf("error is %#v (%v); want StreamError with code %#x, remote %t", err, err, code, remote)
	}
}

// wantClosed checks the error of a connection.
func wantClosed(t *testing.T, err error, want moqt.CloseError) {
	t.Helper()
	closed, ok := errors.AsType[*moqt.CloseError](err)
	if !ok || *closed != want {
		t.Errorf("error is %#v (%v); want %#v", err, err, want)
	}
}

// ended waits for the end of a connection or stream and gives the cause.
func ended(t *testing.T, of interface{ Context() context.Context }) error {
	t.Helper()
	ctx := of.Context()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(patience):
		t.Fatal("the context did not end")
		return nil
	}
}
