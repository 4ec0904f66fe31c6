package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/bench/steady"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/quicconn"
)

const (
	// roleBare is the first argument of the program that the fan-out runs in.
	roleBare  = "bare"
	bareTick  = time.Second / 30
	bareGroup = 30 // Chunks on one stream.
)

// fanout is the least that can serve: each tick one chunk for all receivers, a
// stream for each second, one goroutine a receiver that blocks in Write, and
// quic-go as it comes. A receiver that is not done with a chunk misses the next.
type fanout struct {
	mu    sync.Mutex
	seats map[chan []byte]struct{} // Guarded by mu.
}

// serveFanout prints its address and serves until ctx ends.
func serveFanout(ctx context.Context, bitrate string) error {
	kbits, err := strconv.Atoi(bitrate)
	if err != nil {
		return err
	}
	source, err := certs.New(certs.Config{Hosts: []string{"127.0.0.1"}})
	if err != nil {
		return err
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	f := &fanout{seats: make(map[chan []byte]struct{})}
	server := &webtransport.Server{H3: &http3.Server{TLSConfig: http3.ConfigureTLSConfig(&tls.Config{
		MinVersion: tls.VersionTLS13, GetCertificate: source.GetCertificate,
	})}}
	server.H3.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if session, err := server.Upgrade(w, r); err == nil {
			f.serve(session)
		}
	})
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	go f.tick(ctx, make([]byte, steady.Chunk(kbits))) // It ends with the process.
	fmt.Println(conn.LocalAddr())
	if err := server.Serve(conn); ctx.Err() == nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func (f *fanout) tick(ctx context.Context, chunk []byte) {
	ticker := time.NewTicker(bareTick)
	defer ticker.Stop()
	for ctx.Err() == nil {
		<-ticker.C
		f.mu.Lock()
		for seat := range f.seats {
			select {
			case seat <- chunk:
			default:
			}
		}
		f.mu.Unlock()
	}
}

// serve writes until the session ends.
func (f *fanout) serve(session *webtransport.Session) {
	seat := make(chan []byte, 1)
	f.mu.Lock()
	f.seats[seat] = struct{}{}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.seats, seat)
		f.mu.Unlock()
	}()
	for {
		stream, err := session.OpenUniStreamSync(session.Context())
		if err != nil {
			return
		}
		for range bareGroup {
			select {
			case chunk := <-seat:
				if _, err := stream.Write(chunk); err != nil {
					return
				}
			case <-session.Context().Done():
				return
			}
		}
		_ = stream.Close()
	}
}

// measureBare runs the fan-out as a process of its own and measures that.
func measureBare(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "freshet-bench-")
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, address, err := steady.Start(ctx, dir, roleBare, strconv.Itoa(o.Bitrate))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(5*time.Second)) }()
	var received atomic.Int64
	c := crowd{
		name: "bare webtransport-go", process: server, received: &received,
		join:  func(ctx context.Context) error { return drain(ctx, address, &received) },
		inner: func(context.Context) (inner, error) { return inner{}, nil },
		alive: func() error { return server.Err() },
		last:  func(context.Context) error { return nil },
	}
	return c.measure(ctx, o)
}

// drain reads all streams of a session until ctx ends.
func drain(ctx context.Context, address string, received *atomic.Int64) error {
	conf := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, NextProtos: []string{http3.NextProtoH3}} //nolint:gosec // Loopback only.
	qc, err := quic.DialAddr(ctx, address, conf, quicconn.ClientConfig())
	if err != nil {
		return fmt.Errorf("dial the fan-out: %w", err)
	}
	defer qc.CloseWithError(0, "") //nolint:errcheck // Nothing is lost.
	client, err := new(webtransport.Transport).NewClientConn(qc)
	if err != nil {
		return fmt.Errorf("dial the fan-out: %w", err)
	}
	_, session, err := client.Dial(ctx, "https://"+address+"/", nil) //nolint:bodyclose // The CONNECT stream is the session's.
	if err != nil {
		return fmt.Errorf("dial the fan-out: %w", err)
	}
	var streams errgroup.Group
	for {
		stream, err := session.AcceptUniStream(ctx)
		if err != nil {
			return streams.Wait()
		}
		streams.Go(func() error {
			_, err := io.Copy((*steady.Counter)(received), stream)
			if ctx.Err() == nil {
				return err
			}
			return nil
		})
	}
}
