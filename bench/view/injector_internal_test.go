package view

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// injector stands between a server and its viewers and does to objects what a bad
// server would. It notes all that it does, by a clock of its own.
type injector struct {
	tb      testing.TB
	born    time.Time
	healthy atomic.Bool // It only notes.

	mu      sync.Mutex
	did     faults          // Guarded by mu.
	written []time.Duration // Guarded by mu. From capture to the last byte, of what came first.
}

// faults are those that a viewer can see.
type faults struct{ missing, twice, corrupt, cut, tails int }

// conn is a server's end of a connection to one viewer.
type conn struct {
	moqt.Conn
	in     *injector
	viewer int
}

func (c *conn) OpenUniStream(ctx context.Context) (moqt.SendStream, error) {
	st, err := c.Conn.OpenUniStream(ctx)
	if err != nil {
		return nil, err
	}
	out, in := io.Pipe()
	s := &stream{SendStream: st, in: in}
	context.AfterFunc(c.Context(), func() { _ = in.CloseWithError(io.ErrClosedPipe) })
	go func() { _ = out.CloseWithError(c.carry(st, bufio.NewReader(out))) }()
	return s, nil
}

// stream is what the server writes to.
type stream struct {
	moqt.SendStream
	in *io.PipeWriter
}

func (s *stream) Write(b []byte) (int, error) { return s.in.Write(b) }
func (s *stream) Close() error                { return s.in.Close() }
func (s *stream) CancelWrite(code uint64) {
	_ = s.in.CloseWithError(io.ErrUnexpectedEOF)
	s.SendStream.CancelWrite(code)
}

// carry passes on what the server writes; io.EOF is its end.
func (c *conn) carry(to moqt.SendStream, from *bufio.Reader) error {
	d, _ := wire.ByProtocol(c.Protocol())
	kind, err := from.Peek(1)
	if err != nil {
		return err
	}
	if !d.IsSubgroup(uint64(kind[0])) {
		if _, err = io.Copy(to, from); err == nil {
			err = to.Close()
		}
		return err
	}
	r := d.NewStreamReader(from)
	t, err := r.Varint()
	if err != nil {
		return err
	}
	h, err := r.ReadSubgroupHeader(t)
	if err != nil {
		return err
	}
	l := &lane{conn: c, d: d, h: h, to: to}
	if _, err := to.Write(d.AppendSubgroupHeader(nil, h)); err != nil {
		return err
	}
	return l.carry(wire.NewSubgroupReader(r, h), r)
}

// lane is a subgroup's stream. All of its faults are of one kind, so that none
// hides another.
type lane struct {
	*conn
	d      *wire.Dialect
	h      wire.SubgroupHeader
	to     moqt.SendStream
	next   uint64 // The Object ID that needs no gap.
	hidden int    // Objects left out behind which nothing came yet.
}

const (
	wholly = iota
	leaveOut
	repeat
	flip
	cutOff
	holdUp
	kinds
)

func (l *lane) carry(objects *wire.SubgroupReader, r io.Reader) error {
	random := rand.New(rand.NewPCG(l.h.Group, uint64(l.viewer)<<8|uint64(l.h.Priority)))
	kind := random.IntN(kinds)
	if l.in.healthy.Load() || l.h.Priority == catalogPriority {
		kind = wholly
	}
	for {
		o, err := objects.Next()
		if err != nil {
			l.end(err)
			return err
		}
		payload := make([]byte, o.Length)
		if _, err := io.ReadFull(r, payload); err != nil {
			return err
		}
		struck := kind != wholly && random.IntN(8) == 0
		if struck && kind == cutOff && o.Location.Object > 0 {
			l.in.note(func(f *faults) { f.cut++ })
			time.Sleep(time.Millisecond) // Else not even the header may have been read.
			l.to.CancelWrite(0)
			_, _ = io.Copy(io.Discard, r)
			return io.EOF
		}
		if err := l.pass(o, payload, kind, struck); err != nil {
			return err
		}
	}
}

func (l *lane) end(err error) {
	if err != io.EOF { //nolint:errorlint // The reader gives it as it is.
		return
	}
	if l.hidden > 0 {
		l.in.note(func(f *faults) { f.missing += l.hidden; f.tails += l.hidden })
	}
	_ = l.to.Close()
}

// pass writes an object, or does something to it.
func (l *lane) pass(o wire.ObjectHeader, payload []byte, kind int, struck bool) error {
	if struck && kind == leaveOut {
		l.hidden++
		return nil
	}
	hidden := l.hidden
	l.hidden = 0
	l.in.note(func(f *faults) { f.missing += hidden })
	captured := capturedAt(payload)
	if struck && kind == flip {
		l.in.note(func(f *faults) { f.corrupt++ })
		payload = slices.Clone(payload)
		payload[len(payload)-1] ^= 1
	}
	if struck && kind == holdUp {
		time.Sleep(time.Duration(o.Location.Object%5+1) * 37 * time.Millisecond)
	}
	object := &relay.Object{Properties: o.Properties, Size: len(payload), Status: o.Status}
	b := l.d.AppendSubgroupObject(nil, &l.h, o.Location.Object-l.next, object)
	l.next = o.Location.Object + 1
	if _, err := l.to.Write(append(b, payload...)); err != nil {
		return err
	}
	if l.h.Priority != catalogPriority {
		l.in.mu.Lock()
		l.in.written = append(l.in.written, l.in.clock().Sub(captured))
		l.in.mu.Unlock()
	}
	if struck && kind == repeat {
		return l.again(o, object, payload)
	}
	return nil
}

// again sends an object once more, on a stream of its own.
func (l *lane) again(o wire.ObjectHeader, object *relay.Object, payload []byte) error {
	st, err := l.Conn.OpenUniStream(context.Background())
	if err != nil {
		return err
	}
	h := l.h
	h.FirstObject, h.EndOfGroup = false, false
	b := l.d.AppendSubgroupHeader(nil, h)
	b = l.d.AppendSubgroupObject(b, &h, o.Location.Object, object)
	if _, err := st.Write(append(b, payload...)); err != nil {
		return err
	}
	l.in.note(func(f *faults) { f.twice++ })
	return st.Close()
}

func (in *injector) note(f func(*faults)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	f(&in.did)
}

// clock is the injector's own: monotonic time since it was born.
func (in *injector) clock() time.Time { return in.born.Round(0).Add(time.Since(in.born)) }
