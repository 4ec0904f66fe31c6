package wire_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

func TestFetchStream(t *testing.T) {
	ascending := []wire.Location{{Group: 5, Object: 1}, {Group: 5, Object: 2}, {Group: 9}, {Group: 9, Object: 4}}
	descending := []wire.Location{{Group: 9}, {Group: 9, Object: 1}, {Group: 5}, {Group: 4, Object: 7}}
	// By hand from the tables of "Fetch Header" of each draft: flags 0x1c and
	// so on, group, object, priority and length.
	tests := []struct {
		name       string
		d          *wire.Dialect
		locations  []wire.Location
		descending bool
		hex        string
	}{
		{"18 ascending", wire.Draft18, ascending, false, "1c05010201" + "0001" + "0c030001" + "040401"},
		{"18 descending", wire.Draft18, descending, true, "1c09000201" + "0001" + "0c030001" + "0c000701"},
		{"16 ascending", wire.Draft16, ascending, false, "1c05010201" + "0001" + "0c090001" + "040401"},
		{"16 descending", wire.Draft16, descending, true, "1c09000201" + "0001" + "0c050001" + "0c040701"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cur := wire.FetchCursor{Descending: tt.descending}
			var stream, headers []byte
			for _, l := range tt.locations {
				h := tt.d.AppendFetchObject(nil, &cur, l.Group, &relay.Object{ID: l.Object, Priority: 2, Size: 1})
				headers = append(headers, h...)
				stream = append(append(stream, h...), 0xaa)
			}
			if diff := cmp.Diff(unhex(t, tt.hex), headers); diff != "" {
				t.Errorf("bytes differ (-want +got):\n%s", diff)
			}
			r := tt.d.NewStreamReader(bytes.NewReader(stream))
			objects := wire.NewFetchReader(r, tt.descending)
			for _, want := range tt.locations {
				o, err := objects.Next()
				if err != nil || o.Location != want || o.Priority != 2 || o.Length != 1 {
					t.Fatalf("got %+v, %v; want %v", o, err, want)
				}
				if err := r.Discard(1); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := objects.Next(); !errors.Is(err, io.EOF) {
				t.Errorf("the end is %v", err)
			}
		})
	}
}
