package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// The examples of draft-ietf-moq-transport-18, "Variable-Length Integers", and
// of RFC 9000 appendix A.1. The second encoding of 37 is longer than need be.
func TestVarintExamples(t *testing.T) {
	tests := []struct {
		d    *wire.Dialect
		hex  string
		want uint64
	}{
		{wire.Draft18, "25", 37},
		{wire.Draft18, "8025", 37},
		{wire.Draft18, "bbbd", 15293},
		{wire.Draft18, "ed7f3e7d", 226442877},
		{wire.Draft18, "faa1a0e403d8", 2893212287960},
		{wire.Draft18, "fc8998abc66bc0", 151288809941952},
		{wire.Draft18, "fefa318fa8e3ca11", 70423237261249041},
		{wire.Draft18, "ffffffffffffffffff", math.MaxUint64},
		{wire.Draft16, "25", 37},
		{wire.Draft16, "4025", 37},
		{wire.Draft16, "7bbd", 15293},
		{wire.Draft16, "9d7f3e7d", 494878333},
		{wire.Draft16, "c2197c5eff14e88c", 151288809941952652},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d/%s", tt.d.Draft, tt.hex), func(t *testing.T) {
			b := unhex(t, tt.hex)
			got, err := tt.d.NewStreamReader(bytes.NewReader(b)).Varint()
			if err != nil || got != tt.want {
				t.Fatalf("got %d, %v; want %d", got, err, tt.want)
			}
			if _, err := tt.d.NewStreamReader(bytes.NewReader(b[:len(b)-1])).Varint(); err == nil {
				t.Error("a cut integer was accepted")
			}
			// MAX_REQUEST_ID and FETCH_HEADER hold a single integer.
			header := tt.d.AppendFetchHeader(nil, tt.want)
			if again := header[1:]; tt.hex != "8025" && tt.hex != "4025" && !bytes.Equal(again, b) {
				t.Errorf("encoded as %x", again)
			}
		})
	}
}

func TestVarintTooLargeForDraft16(t *testing.T) {
	_, err := wire.Draft16.AppendMessage(nil, &wire.Unsubscribe{RequestID: 1 << 62})
	if _, ok := errors.AsType[*wire.Error](err); !ok {
		t.Errorf("error is %v", err)
	}
}

func TestVarintBoundaries(t *testing.T) {
	for _, d := range wire.Dialects {
		top := 64
		if d == wire.Draft16 {
			top = 62
		}
		for bit := range top {
			for _, v := range []uint64{1<<bit - 1, 1 << bit, 1<<bit + 1} {
				b := d.AppendFetchHeader(nil, v)
				got, err := d.NewStreamReader(bytes.NewReader(b[1:])).Varint()
				if err != nil || got != v {
					t.Errorf("draft %d: %d came back as %d, %v", d.Draft, v, got, err)
				}
			}
		}
	}
}
