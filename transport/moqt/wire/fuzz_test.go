package wire_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

func dialectFor(first byte) *wire.Dialect { return wire.Dialects[int(first)%len(wire.Dialects)] }

func addVectors(f *testing.F) {
	f.Helper()
	for _, v := range playa18 {
		f.Add(append([]byte{0}, unhex(f, v.hex)...))
	}
	for _, v := range draft18 {
		f.Add(append([]byte{0}, unhex(f, v.hex)...))
	}
	for _, v := range draft16 {
		f.Add(append([]byte{1}, unhex(f, v.hex)...))
	}
}

// FuzzMessage reads a control stream: whatever comes, it ends with an error of
// the peer or the stream's end.
func FuzzMessage(f *testing.F) {
	addVectors(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		r := dialectFor(b[0]).NewStreamReader(bytes.NewReader(b[1:]))
		for {
			if _, err := r.Message(); err != nil {
				checkEnd(t, err)
				return
			}
		}
	})
}

func checkEnd(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*wire.Error](err); !ok && !errors.Is(err, io.EOF) {
		t.Errorf("unexpected error %v", err)
	}
}

// FuzzRoundTrip: what was understood means the same when it is written again.
func FuzzRoundTrip(f *testing.F) {
	addVectors(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		d := dialectFor(b[0])
		m, err := d.NewStreamReader(bytes.NewReader(b[1:])).Message()
		if err != nil {
			return
		}
		written, err := d.AppendMessage(nil, m)
		if err != nil {
			// Minimal integers make a message shorter, never longer.
			t.Fatalf("%s was read but cannot be written: %v", m.Kind(), err)
		}
		again, err := d.NewStreamReader(bytes.NewReader(written)).Message()
		if err != nil {
			t.Fatalf("%s was written but cannot be read: %v", m.Kind(), err)
		}
		if diff := cmp.Diff(m, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s changed (-read +written):\n%s", m.Kind(), diff)
		}
	})
}

// FuzzSubgroup reads a data stream as a client does.
func FuzzSubgroup(f *testing.F) {
	f.Add(append([]byte{0}, unhex(f, "14072a03050502aabb")...))
	f.Add(append([]byte{0}, unhex(f, "580700020002aabb0000000001cc")...))
	f.Add(append([]byte{1}, unhex(f, "1807000200033c0105aabbccddee02")...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		d := dialectFor(b[0])
		r := d.NewStreamReader(bytes.NewReader(b[1:]))
		typ, err := r.Varint()
		if err != nil || !d.IsSubgroup(typ) {
			return
		}
		h, err := r.ReadSubgroupHeader(typ)
		if err != nil {
			checkEnd(t, err)
			return
		}
		readAll(t, r, wire.NewSubgroupReader(r, h))
	})
}

// FuzzFetch reads a fetch stream as a client does.
func FuzzFetch(f *testing.F) {
	for _, hex := range []string{"1f0a02050701aa", "1f0a02050700", "808c050a", "1c0a050701aa0001bb0c000001cc"} {
		f.Add(append([]byte{0}, unhex(f, hex)...))
		f.Add(append([]byte{1}, unhex(f, hex)...))
		f.Add(append([]byte{2}, unhex(f, hex)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		r := dialectFor(b[0]).NewStreamReader(bytes.NewReader(b[1:]))
		readAll(t, r, wire.NewFetchReader(r, b[0]&2 != 0))
	})
}

func readAll(t *testing.T, r *wire.StreamReader, objects interface {
	Next() (wire.ObjectHeader, error)
},
) {
	t.Helper()
	for {
		o, err := objects.Next()
		if err == nil {
			err = r.Discard(o.Length)
		}
		if err != nil {
			checkEnd(t, err)
			return
		}
	}
}
