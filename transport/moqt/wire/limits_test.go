package wire_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Each message breaks one rule of the drafts; both must refuse it.
func TestViolations(t *testing.T) {
	tests := []struct {
		name  string
		draft int
		hex   string
		why   string
	}{
		{"unknown type", 18, "3f0000", "unknown message type"},
		{"unknown type", 16, "3f0000", "unknown message type"},
		{"payload too long", 16, "0a0002" + "0200", "1 bytes too many"},
		{"payload too short", 18, "03000c0001046c69766503766964", "within an item"},
		{"byte left over", 18, "0800040101" + "6100", "1 bytes too many"},
		{"33 namespace fields", 18, "060024" + "0021" + strings.Repeat("0161", 17), "33 fields"},
		{"empty namespace field", 18, "0600040001" + "0000", "empty namespace field"},
		{"empty namespace", 16, "0300040000" + "0000", "empty namespace"},
		{"unknown parameter", 18, "0300080001016101620107" + "00", "unknown parameter 0x7"},
		{"parameter in the wrong message", 18, "0300080001016101620109" + "0101", "parameter 0x9 in SUBSCRIBE"},
		{"parameter twice", 18, "03000b000101610162021001" + "0001", "parameter 0x10 twice"},
		{"forward of 2", 18, "0300090001016101620110" + "02", "value 2 is out of range"},
		{"group order of 3", 16, "0300090001016101620122" + "03", "value 3 is out of range"},
		{"group order of 0", 18, "0300090001016101620122" + "00", "value 0 is out of range"},
		{"delivery timeout of 0", 16, "0300090001016101620102" + "00", "timeout of zero"},
		{"filter type 9", 18, "03000a0001016101620121" + "0109", "filter type 0x9"},
		{"filter with bytes left", 18, "03000b0001016101620121" + "020200", "1 bytes left in a field"},
		{"filter ends before it starts", 16, "03000d0001016101620121" + "0404050004", "ends before it starts"},
		{"fetch type 4", 16, "160005" + "0004000000", "fetch type 0x4"},
		{"fetch of draft 14 with group order 3", 16, "160007040003" + "02" + "0201" + "00", "fetch type 0x0"},
		{"fetch type 4", 18, "160005" + "0004000000", "fetch type 0x4"},
		{"reason of 1025 bytes", 18, "050005" + "0000840100", "1025 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := wire.Draft18
			if tt.draft == 16 {
				d = wire.Draft16
			}
			m, err := d.NewStreamReader(bytes.NewReader(unhex(t, tt.hex))).Message()
			e, ok := errors.AsType[*wire.Error](err)
			if !ok || e.Code != wire.ProtocolViolation || !strings.Contains(e.Reason, tt.why) {
				t.Errorf("got %+v, %v; want a violation: %s", m, err, tt.why)
			}
		})
	}
}

// GREASE: unknown Setup Options and Properties are kept and do no harm.
func TestUnknownOptions(t *testing.T) {
	// SETUP with option 0x9D ("Grease": 0x7f*0 + 0x9D), odd, of two bytes, twice.
	m, err := wire.Draft18.NewStreamReader(bytes.NewReader(unhex(t, "af00"+"0009"+"809d02beef"+"0002beef"))).Message()
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := m.(*wire.Setup); !ok || len(s.Options) != 2 || s.Options[1].Type != 0x9d {
		t.Errorf("message is %+v", m)
	}
}

// Codes that a draft lacks go out as the nearest it has, and known ones come
// back ("Stream Reset Error Codes" of both drafts).
func TestResetCodes(t *testing.T) {
	tests := []struct {
		code             wire.ResetCode
		draft16, draft18 uint64
	}{
		{wire.ResetCancelled, 1, 1},
		{wire.ResetDeliveryTimeout, 2, 2},
		{wire.ResetTooFarBehind, 2, 5},
		{wire.ResetGoingAway, 1, 4},
		{wire.ResetUnknownStatus, 4, 6},
		{wire.ResetExcessiveLoad, 0, 9},
	}
	for _, tt := range tests {
		if got := wire.Draft16.Reset(tt.code); got != tt.draft16 {
			t.Errorf("draft 16: %#x is %#x", tt.code, got)
		}
		if got := wire.Draft18.Reset(tt.code); got != tt.draft18 {
			t.Errorf("draft 18: %#x is %#x", tt.code, got)
		}
	}
	if got := wire.Draft16.ResetCode(4); got != wire.ResetUnknownStatus {
		t.Errorf("draft 16: 4 is %#x", got)
	}
}
