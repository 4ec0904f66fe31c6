package srt

import (
	"errors"
	"fmt"
	"time"

	"github.com/freshet-live/freshet/transport/srt/packet"
)

const (
	// maxKeyMaterial is a message with two keys of 256 bits.
	maxKeyMaterial = 16 + 16 + 2*32 + 8
	// deriveEvery bounds what a peer can make us do with salts.
	deriveEvery = time.Second
)

// Receive hands on what the peer sends, payload by payload, when it is due: on the
// nearest tick of 5 ms. The payload is valid during the call of put. It returns
// what put fails with, or why the connection has ended: ErrPeerClosed or
// ErrPeerSilent, when all that came was handed on, ErrClosed or ErrFault. Close
// has to follow all the same.
func (c *Conn) Receive(put func(payload []byte) error) error {
	alarm := newAlarm()
	defer alarm.Stop()
	for {
		now := time.Now()
		ended := c.turn(now)
		due := now.Add(c.early)
		for payload, ok := c.pop(due, ended); ok; payload, ok = c.pop(due, ended) {
			if len(payload) == 0 {
				continue // It could not be decrypted.
			}
			if err := put(payload); err != nil {
				return err
			}
		}
		if ended != nil {
			return ended
		}
		if wait := c.rest(); wait > 0 {
			alarm.set(wait)
			select {
			case <-alarm.C:
			case <-c.wake:
			}
		}
	}
}

// alarm is a timer that is let alone when it goes off early enough: to set one
// forward wakes a thread.
type alarm struct {
	*time.Timer

	at time.Time
}

func newAlarm() *alarm { return &alarm{Timer: time.NewTimer(0)} }

// set has the alarm go off after d, or somewhat earlier.
func (a *alarm) set(d time.Duration) {
	now := time.Now()
	if at := now.Add(d); !a.at.After(now) || at.Before(a.at) {
		a.Reset(d)
		a.at = at
	}
}

// turn sends what is to be sent, and tells whether the connection has ended.
func (c *Conn) turn(now time.Time) (ended error) {
	defer c.recovered()
	c.outbox.reset(c, now)
	request, ended := c.work(now)
	if ended != nil {
		return ended
	}
	if request != nil {
		c.changeKeys(now, request)
	}
	c.outbox.send()
	return nil
}

// work is the part of a turn under the lock.
func (c *Conn) work(now time.Time) (keyRequest []byte, ended error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asleep = false
	// It is our turn each second at least, so we stood still, and what the peer
	// sent may not have been read yet.
	if alive := now.Add(keepAlive - peerIdle); now.Sub(c.worked) >= 2*keepAlive && c.heard.Before(alive) {
		c.heard = alive
	}
	c.worked = now
	if c.ended == nil && now.Sub(c.heard) >= peerIdle {
		c.ended = ErrPeerSilent
	}
	if c.ended != nil {
		return nil, c.ended
	}
	if c.receiver != nil {
		c.receiver.Work(now, &c.outbox)
	}
	if c.outbox.empty() && now.Sub(c.said) >= keepAlive {
		c.outbox.keepAlive()
	}
	if !c.outbox.empty() {
		c.said = now
	}
	keyRequest, c.keyRequest = c.keyRequest, nil
	return keyRequest, nil
}

// pop gives what is due, or all that is held when the peer has ended the
// connection. A connection that was closed here gives nothing more.
func (c *Conn) pop(now time.Time, ended error) (payload []byte, ok bool) {
	defer c.recovered()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.receiver == nil || errors.Is(c.ended, ErrClosed) || errors.Is(ended, ErrFault):
		return nil, false
	case ended != nil:
		return c.receiver.Flush()
	}
	return c.receiver.Pop(now)
}

// rest is how long there is nothing to do; 0 when there is. While Run ticks, Run
// wakes Receive in time.
func (c *Conn) rest() time.Duration {
	defer c.recovered()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil || c.keyRequest != nil {
		return 0
	}
	now := time.Now()
	wait := max(c.next(now).Sub(now), tick)
	c.asleep, c.relying = true, c.listener.ticking.Load()
	if c.relying {
		return keepAlive
	}
	return wait
}

// recovered, when deferred, makes of a panic the end of this connection alone;
// the next turn sees it.
func (c *Conn) recovered() {
	if r := recover(); r != nil {
		c.listener.fault(c, c.remote, r)
	}
}

// changeKeys takes new keys and says so with the same message (section 6.1.6).
// The peer repeats what is not answered.
func (c *Conn) changeKeys(now time.Time, request []byte) {
	material, err := packet.ParseKeyMaterial(request)
	if err != nil {
		return
	}
	secret := c.secret.Clone() // Run reads the other.
	if !secret.Known(material) {
		if now.Sub(c.derived) < deriveEvery {
			return
		}
		c.derived = now
	}
	opened, err := secret.Open(material)
	if err != nil {
		c.listener.cfg.Logger.Warn("srt keys refused", "remote", c.remote.String(), "error", fmt.Errorf("open: %w", err))
		return
	}
	c.mu.Lock()
	c.keys.Take(opened)
	c.secret = secret
	c.mu.Unlock()
	c.outbox.keyResponse(request)
}
