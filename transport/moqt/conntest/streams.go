package conntest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
)

// Codes that need one, two and four bytes on the wire.
const (
	smallCode = 0x1
	codeA     = 0x1234
	codeB     = 0xfedc_ba98
)

func testProtocol(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	for name, conn := range map[string]moqt.Conn{"client": client, "server": server} {
		if conn.Protocol() != "moqt-18" {
			t.Errorf("%s: protocol is %q", name, conn.Protocol())
		}
		if conn.RemoteAddr() == nil {
			t.Errorf("%s: no remote address", name)
		}
		if err := conn.Context().Err(); err != nil {
			t.Errorf("%s: context has ended: %v", name, err)
		}
	}
}

func testEcho(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	out := must[moqt.Stream](t, "open")(client.OpenStream(soon(t)))
	write(t, out, "request")
	in := must[moqt.Stream](t, "accept")(server.AcceptStream(soon(t)))
	read(t, in, "request")
	write(t, in, "answer")
	read(t, out, "answer")
	if err := out.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if rest, err := io.ReadAll(in); len(rest) != 0 || err != nil {
		t.Fatalf("after FIN: %q, %v", rest, err)
	}
	write(t, in, "still open")
	read(t, out, "still open")
}

func testUni(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	for _, way := range [][2]moqt.Conn{{client, server}, {server, client}} {
		out, in := openUni(t, way[0], way[1], "header")
		write(t, out, "body")
		if err := out.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		if rest, err := io.ReadAll(in); string(rest) != "body" || err != nil {
			t.Fatalf("got %q, %v", rest, err)
		}
	}
}

func testNotRetained(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	out, in := openUni(t, client, server, "start")
	buf := make([]byte, 8<<10)
	var want bytes.Buffer
	for i := range 8 {
		for j := range buf {
			buf[j] = byte(i)
		}
		want.Write(buf)
		write(t, out, string(buf))
		if _, err := out.Write(buf[:1]); err != nil {
			t.Fatal(err)
		}
		want.WriteByte(byte(i))
		clear(buf) // The stream must have its own copy by now.
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(in); !bytes.Equal(got, want.Bytes()) || err != nil {
		t.Fatalf("%d bytes differ from the %d written; %v", len(got), want.Len(), err)
	}
}

func testReset(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	for _, code := range []uint64{0, smallCode, codeA, codeB} {
		for _, way := range [][2]moqt.Conn{{client, server}, {server, client}} {
			out, in := openUni(t, way[0], way[1], "x")
			out.CancelWrite(code)
			_, err := in.Read(make([]byte, 1))
			wantReset(t, err, code, true)
			_, err = out.Write([]byte("y"))
			wantReset(t, err, code, false)
			wantReset(t, ended(t, out), code, false)
		}
	}
}

func testStop(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	for _, code := range []uint64{0, smallCode, codeA, codeB} {
		for _, way := range [][2]moqt.Conn{{client, server}, {server, client}} {
			out, in := openUni(t, way[0], way[1], "x")
			in.CancelRead(code)
			wantReset(t, ended(t, out), code, true)
			_, err := out.Write([]byte("y"))
			wantReset(t, err, code, true)
		}
	}
}

func testCancelWhileWriting(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	out, in := openUni(t, server, client, "x")
	failed := make(chan error, 1)
	go func() {
		_, err := out.Write(make([]byte, 64<<20)) // More than any window.
		failed <- err
	}()
	read(t, in, "\x00") // The write is under way.
	out.CancelWrite(codeA)
	select {
	case err := <-failed:
		wantReset(t, err, codeA, false)
	case <-time.After(patience):
		t.Fatal("the write did not end")
	}
}

func testContextAfterClose(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	out, _ := openUni(t, client, server, "x")
	if err := out.Context().Err(); err != nil {
		t.Fatalf("an open stream's context has ended: %v", err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ended(t, out); err == nil {
		t.Fatal("no cause")
	}
}

func testFlowControl(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	out, in := openUni(t, client, server, "x")
	big := bytes.Repeat([]byte("flow"), 16<<20)
	if err := out.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	sent, err := out.Write(big)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a peer that does not read: %d bytes written, %v; want a deadline error", sent, err)
	}
	if sent == 0 || sent == len(big) {
		t.Fatalf("%d bytes written against flow control", sent)
	}
	if err := out.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	const rest = 1 << 20
	wrote := make(chan error, 1)
	go func() {
		_, err := out.Write(big[sent : sent+rest])
		wrote <- errors.Join(err, out.Close())
	}()
	got, err := io.ReadAll(in)
	if err != nil || !bytes.Equal(got, big[:sent+rest]) {
		t.Fatalf("read %d bytes of %d, %v", len(got), sent+rest, err)
	}
	if err := <-wrote; err != nil {
		t.Fatalf("write after the deadline was lifted: %v", err)
	}
}

func testReadDeadline(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	out, in := openUni(t, client, server, "x")
	if err := in.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read: %v; want a deadline error", err)
	}
	if err := in.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	write(t, out, "late")
	read(t, in, "late")
}

func testStreamLimit(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	const beyond = 4096
	opened := 0
	for ; opened < beyond; opened++ {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		out, err := client.OpenUniStream(ctx)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatalf("stream %d: %v", opened, err)
		}
		write(t, out, "x")
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if opened == beyond {
		t.Fatalf("%d streams were not limited", opened)
	}
	for range opened {
		in := must[moqt.ReceiveStream](t, "accept")(server.AcceptUniStream(soon(t)))
		if text, err := io.ReadAll(in); string(text) != "x" || err != nil {
			t.Fatalf("got %q, %v", text, err)
		}
	}
	out := must[moqt.SendStream](t, "open after the others ended")(client.OpenUniStream(soon(t)))
	write(t, out, "x")
	must[moqt.ReceiveStream](t, "accept")(server.AcceptUniStream(soon(t)))
}

func testDatagrams(t *testing.T, client, server moqt.Conn) {
	t.Helper()
	for _, way := range [][2]moqt.Conn{{client, server}, {server, client}} {
		if err := way[0].SendDatagram([]byte("datagram")); err != nil {
			t.Fatalf("send: %v", err)
		}
		got := must[[]byte](t, "receive")(way[1].ReceiveDatagram(soon(t)))
		if string(got) != "datagram" {
			t.Errorf("got %q", got)
		}
	}
	if err := client.SendDatagram([]byte(strings.Repeat("x", 64<<10))); err == nil {
		t.Error("a datagram of 64 KiB was accepted")
	}
}
