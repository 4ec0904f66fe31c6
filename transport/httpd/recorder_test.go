package httpd

import (
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener gives one connection.
type pipeListener struct{ conns chan net.Conn }

func (l pipeListener) Accept() (net.Conn, error) {
	conn, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (l pipeListener) Close() error   { return nil }
func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// TestClientThatStopsReading: a blocked write ends at the deadline that its size
// gives, and not before.
func TestClientThatStopsReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 1 << 20
		took := make(chan time.Duration, 1)
		server := &http.Server{
			ReadHeaderTimeout: headerWithin,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				start := time.Now()
				if _, err := newRecorder(w).Write(make([]byte, size)); err == nil {
					t.Error("all was written to a client that does not read")
				}
				took <- time.Since(start)
			}),
		}
		listener := pipeListener{make(chan net.Conn, 1)}
		ours, theirs := net.Pipe()
		listener.conns <- theirs
		go func() { _ = server.Serve(listener) }()
		if _, err := ours.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		if got, want := <-took, writeWithin+size/slowestRate*time.Second; got != want {
			t.Errorf("cut off after %s, want %s", got, want)
		}
		close(listener.conns)
		_ = server.Close()
		_ = ours.Close()
	})
}
