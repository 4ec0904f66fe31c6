package relay

import (
	"bytes"
	"fmt"
)

// ahead is the most that is set aside for an object before its bytes come, or an
// eighth of what came if that is more: a size that lies costs nothing, and a
// large object is not copied too often.
const ahead = 64 << 10

// Filling is an object that is arriving. It is used by one goroutine at a time.
type Filling struct {
	g     *Group
	index int
	size  int
	seen  int // Bytes written, those that were there already among them.
}

// Write adds payload and wakes the readers. It copies b. What was there already
// must be the same: ErrMalformed.
func (f *Filling) Write(b []byte) (int, error) {
	g := f.g
	g.mu.Lock()
	n, err := f.addLocked(b)
	counted := g.countLocked(cost{payload: n})
	g.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if n > 0 {
		g.track.appended(counted)
	}
	return len(b), nil
}

// addLocked gives the bytes that were new. Guarded by g.mu.
func (f *Filling) addLocked(b []byte) (int, error) {
	o := &f.g.objects[f.index]
	switch {
	case o.state == objectAborted:
		return 0, ErrClosed
	case len(b) > f.size-f.seen:
		return 0, fmt.Errorf("object %d: more than its %d bytes: %w", o.ID, f.size, ErrMalformed)
	}
	known := o.Payload[min(f.seen, len(o.Payload)):]
	n := min(len(known), len(b))
	if !bytes.Equal(known[:n], b[:n]) {
		return 0, fmt.Errorf("object %d came with other bytes: %w", o.ID, ErrMalformed)
	}
	f.seen += len(b)
	if len(b) > n {
		o.Payload = fill(o.Payload, b[n:], f.size)
	}
	return len(b) - n, nil
}

// fill appends without moving what readers hold: a larger buffer is a new one.
func fill(payload, b []byte, size int) []byte {
	need := len(payload) + len(b)
	if need <= cap(payload) {
		return append(payload, b...)
	}
	larger := make([]byte, len(payload), min(size, need+max(ahead, need/8)))
	copy(larger, payload)
	return append(larger, b...)
}

// Close says that all has come. When that is not so, the object is given up and
// the error is ErrMalformed.
func (f *Filling) Close() error {
	g := f.g
	g.mu.Lock()
	o := &g.objects[f.index]
	var err error
	switch {
	case f.seen < f.size:
		err = fmt.Errorf("object %d: %d of %d bytes: %w", o.ID, f.seen, f.size, ErrMalformed)
		if o.state == objectGrowing {
			o.state = objectAborted
		}
	case o.state == objectGrowing:
		o.state, o.Complete = objectWhole, g.track.now()
	case o.state == objectAborted:
		err = ErrClosed
	}
	g.mu.Unlock()
	g.track.wake()
	return err
}

// Abort says that the rest will not come. An object that was lost with its
// session is left alone instead, for somebody to go on with it.
func (f *Filling) Abort() {
	g := f.g
	g.mu.Lock()
	if o := &g.objects[f.index]; o.state == objectGrowing {
		o.state = objectAborted
	}
	g.mu.Unlock()
	g.track.wake()
}
