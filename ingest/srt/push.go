package srt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	gosrt "github.com/datarhei/gosrt"
)

// payload is seven transport packets: what every SRT encoder sends.
const payload = 7 * 188

// Push calls the URL, "srt://host:port?streamid=..&passphrase=..&latency=120"
// with the query of srt-live-transmit, and sends what r gives until r or ctx
// ends: what one Read gives, at most seven transport packets, is one SRT packet.
// r sets the pace. A "#" in the stream id is percent-encoded.
func Push(ctx context.Context, url string, r io.Reader) error {
	cfg := gosrt.DefaultConfig()
	address, err := cfg.UnmarshalURL(url)
	if err != nil {
		return fmt.Errorf("srt url: %w", err)
	}
	conn, err := gosrt.Dial("srt", address, cfg)
	if err != nil {
		return fmt.Errorf("call srt %s: %w", address, rejected(err))
	}
	defer hangUp(conn)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	buf := make([]byte, payload)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, err := conn.Write(buf[:n]); err != nil {
				return pushError(ctx, address, err)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return pushError(ctx, address, err)
		}
	}
}

// RejectedError is what a listener answered in place of a connection.
type RejectedError struct {
	// Code is libsrt's reject reason: 10 for a wrong passphrase, 1409 for a
	// name that is taken.
	Code int
}

func (e *RejectedError) Error() string { return fmt.Sprintf("rejected with code %d", e.Code) }

// rejected finds the code in gosrt's error, which has it in base 32.
func rejected(err error) error {
	text, ok := strings.CutPrefix(err.Error(), "connection rejected: REJECT (")
	if !ok {
		return err
	}
	wire, parseErr := strconv.ParseInt(strings.TrimSuffix(text, ")"), 32, 32)
	if parseErr != nil {
		return err
	}
	return &RejectedError{Code: int(wire) - 1000}
}

func pushError(ctx context.Context, address string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("send srt %s: %w", address, err)
}

// hangUp closes conn and waits for gosrt's goroutine that reads the socket: it
// ends only when somebody takes its last word, which Close does if the word
// comes in time, and Write later.
func hangUp(conn gosrt.Conn) {
	_ = conn.Close() // It returns nil always.
	for range 100 {
		if _, err := conn.Write(nil); errors.Is(err, gosrt.ErrClientClosed) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
