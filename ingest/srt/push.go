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

// Push calls the URL and sends what r gives until r or ctx ends; see Call and
// Caller.Send.
func Push(ctx context.Context, url string, r io.Reader) error {
	c, err := Call(url)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Send(ctx, r)
}

// Caller is the calling side of a connection.
type Caller struct {
	conn    gosrt.Conn
	address string
}

// Call calls "srt://host:port?streamid=..&passphrase=..&latency=120", with the
// query of srt-live-transmit. A "#" in the stream id is percent-encoded. Close must
// follow.
func Call(url string) (*Caller, error) {
	cfg := gosrt.DefaultConfig()
	address, err := cfg.UnmarshalURL(url)
	if err != nil {
		return nil, fmt.Errorf("srt url: %w", err)
	}
	conn, err := gosrt.Dial("srt", address, cfg)
	if err != nil {
		return nil, fmt.Errorf("call srt %s: %w", address, rejected(err))
	}
	return &Caller{conn, address}, nil
}

// Close hangs up.
func (c *Caller) Close() { hangUp(c.conn) }

// Send sends what r gives until r or ctx ends: what one Read gives, at most seven
// transport packets, is one SRT packet. r sets the pace. At its end Send waits
// until the peer has it all and has handed it out.
func (c *Caller) Send(ctx context.Context, r io.Reader) error {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() })
	defer stop()
	buf := make([]byte, payload)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, err := c.conn.Write(buf[:n]); err != nil {
				return pushError(ctx, c.address, err)
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			c.linger(ctx)
			c.handOut(ctx)
			return nil
		case err != nil:
			return pushError(ctx, c.address, err)
		}
	}
}

// linger waits until everything is acknowledged, as long as SRT keeps anything.
func (c *Caller) linger(ctx context.Context) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for range 200 {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		var s gosrt.Statistics
		c.conn.Stats(&s)
		if s.Instantaneous.PktSendBuf == 0 {
			return
		}
	}
}

// handOut waits for as long as the peer holds what it has acknowledged: some throw
// it away when the connection ends.
func (c *Caller) handOut(ctx context.Context) {
	var s gosrt.Statistics
	c.conn.Stats(&s)
	held := max(s.Instantaneous.MsSendTsbPdDelay, s.Instantaneous.MsRecvTsbPdDelay)
	timer := time.NewTimer(time.Duration(held)*time.Millisecond + handOutSlack)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// handOutSlack is for the peer's own ticks of 10 ms, and for its machine.
const handOutSlack = 50 * time.Millisecond

// CallerStats are what the caller knows of a connection; totals since the
// handshake.
type CallerStats struct {
	RTT           time.Duration
	Lost          uint64 // Packets that the peer missed.
	Retransmitted uint64 // Packets that were sent again.
	Dropped       uint64 // Packets that were too late to be sent.
}

// Stats is safe for any goroutine.
func (c *Caller) Stats() CallerStats {
	var s gosrt.Statistics
	c.conn.Stats(&s)
	return CallerStats{
		RTT:           time.Duration(s.Instantaneous.MsRTT * float64(time.Millisecond)),
		Lost:          s.Accumulated.PktSendLoss,
		Retransmitted: s.Accumulated.PktRetrans,
		Dropped:       s.Accumulated.PktSendDrop,
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
