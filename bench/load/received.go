package load

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/bench/steady"
	"github.com/freshet-live/freshet/e2e/rig"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Received is what viewers got together. The zero value is ready; Delays are
// kept between Watch and Delays.
type Received struct {
	Objects, Bytes, Resets atomic.Int64
	// Keep, if set, is given every object as it arrives, by many goroutines at
	// once.
	Keep func(Arrival)
	// Stamped payloads begin with the time at which they were published (package
	// steady); set before anything is received.
	Stamped bool

	mu     sync.Mutex
	firsts map[object]time.Time // Guarded by mu. When the first viewer had it; nil unless watched.
	delays []float64            // Guarded by mu. Milliseconds.
}

// Arrival is an object that one viewer has.
type Arrival struct {
	At time.Time
	// Priority tells the tracks apart: those of a broadcast here have one each.
	Priority  uint8
	Group, ID uint64
	Size      int
	// Published is what a stamped payload says; zero of others.
	Published time.Time
}

// object is what is the same for all viewers.
type object struct {
	priority  uint8
	group, id uint64
}

// read reads a subgroup's stream to its end and keeps nothing of it.
func (r *Received) read(stream io.Reader, d *wire.Dialect) {
	if err := r.readObjects(d.NewStreamReader(stream)); !errors.Is(err, io.EOF) {
		r.Resets.Add(1)
	}
}

// readObjects gives the reason of the end: io.EOF for one in good order.
func (r *Received) readObjects(reader *wire.StreamReader) error {
	kind, err := reader.Varint()
	if err != nil {
		return err
	}
	header, err := reader.ReadSubgroupHeader(kind)
	if err != nil {
		return err
	}
	for objects := wire.NewSubgroupReader(reader, header); ; {
		h, err := objects.Next()
		if err != nil {
			return err
		}
		published, err := r.drop(reader, h.Length)
		if err != nil {
			return err
		}
		r.add(Arrival{
			At: time.Now(), Priority: h.Priority, Group: h.Location.Group, ID: h.Location.Object, Size: h.Length,
			Published: published,
		})
	}
}

// drop reads a payload, of which only the stamp is kept.
func (r *Received) drop(reader *wire.StreamReader, size int) (published time.Time, err error) {
	if r.Stamped && size >= steady.StampSize {
		var head [steady.StampSize]byte
		if _, err := io.ReadFull(reader, head[:]); err != nil {
			return published, err
		}
		published, _ = steady.Stamp(head[:])
		size -= len(head)
	}
	return published, reader.Discard(size)
}

func (r *Received) add(a Arrival) {
	r.Objects.Add(1)
	r.Bytes.Add(int64(a.Size))
	if r.Keep != nil {
		r.Keep(a)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.firsts == nil {
		return
	}
	o := object{priority: a.Priority, group: a.Group, id: a.ID}
	first, ok := r.firsts[o]
	if !ok {
		first = a.At
		r.firsts[o] = first
	}
	r.delays = append(r.delays, float64(a.At.Sub(first).Microseconds())/1e3)
}

// Watch begins to measure how much later than the first viewer the others get
// each object.
func (r *Received) Watch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.firsts, r.delays = make(map[object]time.Time), nil
}

// Delays gives quantiles in milliseconds of what was measured since Watch.
func (r *Received) Delays(quantiles ...float64) []float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	values := make([]float64, len(quantiles))
	for i, q := range quantiles {
		values[i] = rig.Percentile(r.delays, q)
	}
	return values
}
