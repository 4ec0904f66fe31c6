package conntest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
)

func testCloseByClient(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	testClose(t, client, server)
}

func testCloseByServer(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	testClose(t, server, client)
}

func testClose(t *testing.T, closer, other moqt.Conn) {
	t.Helper()
	out, in := openUni(t, other, closer, "x")
	if err := closer.CloseWithError(codeA, "enough"); err != nil {
		t.Fatalf("close: %v", err)
	}
	local := moqt.CloseError{Code: codeA, Reason: "enough"}
	remote := moqt.CloseError{Code: codeA, Reason: "enough", Remote: true}
	wantClosed(t, ended(t, closer), local)
	wantClosed(t, ended(t, other), remote)

	_, err := closer.OpenUniStream(soon(t))
	wantClosed(t, err, local)
	_, err = other.OpenStream(soon(t))
	wantClosed(t, err, remote)
	_, err = other.AcceptUniStream(soon(t))
	wantClosed(t, err, remote)
	_, err = in.Read(make([]byte, 1))
	wantClosed(t, err, local)
	_, err = out.Write([]byte("y"))
	wantClosed(t, err, remote)

	if err := closer.CloseWithError(codeB, "again"); err != nil {
		t.Errorf("second close: %v", err)
	}
	wantClosed(t, context.Cause(closer.Context()), local)
}

func testCloseUnblocks(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	waits := map[string]func(ctx context.Context) error{
		"AcceptStream":    func(ctx context.Context) error { _, err := server.AcceptStream(ctx); return err },
		"AcceptUniStream": func(ctx context.Context) error { _, err := server.AcceptUniStream(ctx); return err },
		"ReceiveDatagram": func(ctx context.Context) error { _, err := server.ReceiveDatagram(ctx); return err },
	}
	type result struct {
		name string
		err  error
	}
	results := make(chan result)
	for name, wait := range waits {
		ctx := soon(t)
		go func() { results <- result{name, wait(ctx)} }()
	}
	if err := client.CloseWithError(smallCode, ""); err != nil {
		t.Fatal(err)
	}
	for range waits {
		got := <-results
		if got.err == nil || errors.Is(got.err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", got.name, got.err)
		}
	}
}

func testCloseWhileBlocked(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	out, _ := openUni(t, server, client, "x")
	if err := out.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write(make([]byte, 64<<20)); err == nil {
		t.Fatal("64 MiB went to a peer that does not read")
	}
	start := time.Now()
	if err := server.CloseWithError(codeA, "too far behind"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > patience/2 {
		t.Errorf("close took %s", took)
	}
	wantClosed(t, ended(t, client), moqt.CloseError{Code: codeA, Reason: "too far behind", Remote: true})
}

func testLongReason(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	if err := client.CloseWithError(codeA, strings.Repeat("ä", 4<<10)); err != nil {
		t.Fatal(err)
	}
	closed, ok := errors.AsType[*moqt.CloseError](ended(t, server))
	if !ok || closed.Code != codeA || !strings.HasPrefix(closed.Reason, "ä") {
		t.Errorf("cause is %v", context.Cause(server.Context()))
	}
}
