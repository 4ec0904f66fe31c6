package wire_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// object_datagram.bin of openmoq/moq-playa's vectors for draft 18.
func TestForeignDatagram18(t *testing.T) {
	got, err := wire.Draft18.ParseDatagram(unhex(t, "00072a03040908"))
	if err != nil {
		t.Fatal(err)
	}
	want := wire.Datagram{TrackAlias: 7, HasPriority: true, Payload: []byte{9, 8}, Header: wire.ObjectHeader{
		Location: wire.Location{Group: 42, Object: 3}, Priority: 4, Length: 2, Datagram: true,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("datagram differs (-want +got):\n%s", diff)
	}
	again := wire.Draft18.AppendDatagram(nil, 7, 42, &relay.Object{ID: 3, Priority: 4, Payload: got.Payload})
	if diff := cmp.Diff(unhex(t, "00072a03040908"), again); diff != "" {
		t.Errorf("bytes differ (-want +got):\n%s", diff)
	}
}

// Laid out by hand from "Object Datagram" and "Key-Value-Pair Structure": an even
// type with an integer, then 0x0d, 5 on, with two bytes. 300 is 0x412c in
// RFC 9000's coding and 0x812c in draft 18's.
func TestDatagramsByHand(t *testing.T) {
	properties := []relay.Property{{Type: 8, Int: 300}, {Type: 0x0d, Bytes: []byte{1, 2}}}
	for _, tt := range []struct {
		name, hex string
		d         *wire.Dialect
		o         relay.Object
	}{
		{"16 properties", "05072a04" + "07" + "08412c" + "05020102" + "aa", wire.Draft16, relay.Object{Priority: 4, Properties: properties, Payload: []byte{0xaa}}},
		{"18 properties", "05072a04" + "07" + "08812c" + "05020102" + "aa", wire.Draft18, relay.Object{Priority: 4, Properties: properties, Payload: []byte{0xaa}}},
		{"18 status", "20072a09" + "04" + "03", wire.Draft18, relay.Object{ID: 9, Priority: 4, Status: relay.StatusEndOfGroup, Payload: []byte{}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(unhex(t, tt.hex), tt.d.AppendDatagram(nil, 7, 42, &tt.o)); diff != "" {
				t.Errorf("bytes differ (-want +got):\n%s", diff)
			}
			got, err := tt.d.ParseDatagram(unhex(t, tt.hex))
			if err != nil {
				t.Fatal(err)
			}
			h := got.Header
			o := relay.Object{ID: h.Location.Object, Priority: h.Priority, Status: h.Status, Properties: h.Properties, Payload: got.Payload}
			if diff := cmp.Diff(tt.o, o, cmpopts.IgnoreUnexported(relay.Object{})); diff != "" {
				t.Errorf("object differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDatagramRefused(t *testing.T) {
	for name, hex := range map[string]string{
		"unknown type":                 "10072a0304",
		"status that ends a group":     "22072a030403",
		"no properties":                "01072a03040009",
		"payload behind a status":      "20072a0304" + "0309",
		"unknown status":               "20072a0304" + "01",
		"properties of a status":       "21072a0304" + "020001" + "03",
		"cut short":                    "00072a",
		"properties longer than it is": "01072a030409",
	} {
		for _, d := range wire.Dialects {
			if got, err := d.ParseDatagram(unhex(t, hex)); err == nil {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
}

func TestSubgroupWithProperties(t *testing.T) {
	properties := []relay.Property{{Type: 8, Int: 300}, {Type: 0x0d, Bytes: []byte{1, 2}}}
	h := wire.SubgroupHeader{TrackAlias: 7, Group: 42, Subgroup: 3, Priority: 5, HasPriority: true, Properties: true}
	objects := []relay.Object{
		{ID: 2, Size: 1, Properties: properties}, {ID: 7}, {ID: 8, Status: relay.StatusEndOfGroup},
	}
	for d, want := range map[*wire.Dialect]string{
		wire.Draft16: "15072a0305" + "02" + "07" + "08412c" + "05020102" + "01" + "04" + "00" + "00" + "00" + "00" + "00" + "00" + "03",
		wire.Draft18: "15072a0305" + "02" + "07" + "08812c" + "05020102" + "01" + "04" + "00" + "00" + "00" + "00" + "00" + "00" + "03",
	} {
		b := d.AppendSubgroupHeader(nil, h)
		var stream []byte
		stream = append(stream, b...)
		last := uint64(0)
		for i, o := range objects {
			delta := o.ID
			if i > 0 {
				delta = o.ID - last - 1
			}
			last = o.ID
			head := d.AppendSubgroupObject(nil, &h, delta, &o)
			b = append(b, head...)
			stream = append(append(stream, head...), make([]byte, o.Size)...)
		}
		if diff := cmp.Diff(unhex(t, want), b); diff != "" {
			t.Errorf("%s: bytes differ (-want +got):\n%s", d.Protocol, diff)
		}
		r := d.NewStreamReader(bytes.NewReader(stream))
		typ, _ := r.Varint()
		got, err := r.ReadSubgroupHeader(typ)
		if err != nil || got != h {
			t.Fatalf("header %+v, %v", got, err)
		}
		reader := wire.NewSubgroupReader(r, got)
		for _, o := range objects {
			x, err := reader.Next()
			if err != nil || x.Location.Object != o.ID || x.Status != o.Status || x.Subgroup != 3 {
				t.Fatalf("object %+v, %v", x, err)
			}
			if diff := cmp.Diff(wire.KeyValues(o.Properties), x.Properties, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("properties differ (-want +got):\n%s", diff)
			}
			if err := r.Discard(x.Length); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestFetchObjectKeepsAll(t *testing.T) {
	objects := []relay.Object{
		{ID: 2, Subgroup: 4, Priority: 1, Size: 1},
		{ID: 3, Priority: 1, Size: 1, Properties: []relay.Property{{Type: 8, Int: 1}}},
		{ID: 7, Priority: 2, Size: 1, Datagram: true},
		{ID: 8, Subgroup: 1, Priority: 2, Size: 1},
	}
	for _, d := range wire.Dialects {
		var cur wire.FetchCursor
		var stream []byte
		for i := range objects {
			stream = append(d.AppendFetchObject(stream, &cur, 9, &objects[i]), 0xaa)
		}
		r := d.NewStreamReader(bytes.NewReader(stream))
		reader := wire.NewFetchReader(r, false)
		for _, o := range objects {
			h, err := reader.Next()
			if err != nil {
				t.Fatal(err)
			}
			want := wire.ObjectHeader{
				Location: wire.Location{Group: 9, Object: o.ID}, Subgroup: o.Subgroup, Priority: o.Priority,
				Length: 1, Datagram: o.Datagram, Properties: o.Properties,
			}
			if diff := cmp.Diff(want, h); diff != "" {
				t.Errorf("%s: header differs (-want +got):\n%s", d.Protocol, diff)
			}
			if err := r.Discard(1); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// FuzzDatagram parses a datagram as a subscriber does, and writes it again.
func FuzzDatagram(f *testing.F) {
	for _, hex := range []string{"00072a03040908", "05072a040708412c05020102aa", "20072a090403", "0d072a0708812c05020102aa"} {
		f.Add(append([]byte{0}, unhex(f, hex)...))
		f.Add(append([]byte{1}, unhex(f, hex)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		d := dialectFor(b[0])
		got, err := d.ParseDatagram(b[1:])
		if err != nil {
			checkEnd(t, err)
			return
		}
		h := got.Header
		o := relay.Object{ID: h.Location.Object, Priority: h.Priority, Status: h.Status, Properties: h.Properties, Payload: got.Payload}
		again, err := d.ParseDatagram(d.AppendDatagram(nil, got.TrackAlias, h.Location.Group, &o))
		if err != nil {
			t.Fatal(err)
		}
		got.HasPriority, got.EndOfGroup = true, false
		if diff := cmp.Diff(got, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("not the same again (-first +second):\n%s", diff)
		}
	})
}
