package wire_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/transport/moqt/wire"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

var live = wire.TrackName{Namespace: []string{"live"}, Name: "vid"}

// Bytes of draft 18 made by another implementation: openmoq/moq-playa,
// packages/transport/vectors/d18/manifest.json.
var playa18 = []struct {
	name, hex string
	want      wire.Message
}{
	{"setup", "af000000", &wire.Setup{}},
	{"subscribe", "03000c0001046c6976650376696400", &wire.Subscribe{Track: live}},
	{"subscribe_ok", "0400020900", &wire.SubscribeOK{TrackAlias: 9}},
	{"request_error", "0500071003046e6f7065", &wire.RequestError{
		Code: wire.RequestDoesNotExist, RetryAfter: 3, Reason: "nope",
	}},
	{
		"request_error_redirect", "05002a3400056d6f7665641768747470733a2f2f72656c61792e6578616d706c652f3201046c69766503766964",
		&wire.RequestError{
			Code: wire.RequestRedirect, Reason: "moved",
			Redirect: &wire.Redirect{URI: "https://relay.example/2", Track: live},
		},
	},
	{"publish", "1d000d0001046c697665037669641500", &wire.Publish{Track: live, TrackAlias: 21}},
	{"request_ok", "07000100", &wire.RequestOK{}},
	{"fetch", "160011000101046c697665037669640102090400", &wire.Fetch{
		Type: wire.StandaloneFetch, Track: live,
		Start: wire.Location{Group: 1, Object: 2}, End: wire.Location{Group: 9, Object: 4},
	}},
	{"fetch_ok", "18000400090000", &wire.FetchOK{End: wire.Location{Group: 9}}},
	{"track_status_ok", "070003000e03", &wire.RequestOK{
		Properties: wire.KeyValues{{Type: wire.PropertyDefaultPriority, Int: 3}},
	}},
	{"goaway", "10001d1968747470733a2f2f72656c61792e6578616d706c652f6d6f71938800", &wire.Goaway{
		URI: "https://relay.example/moq", Timeout: 5000, HasRequestID: true,
	}},
}

func TestForeignMessages18(t *testing.T) {
	for _, tt := range playa18 {
		t.Run(tt.name, func(t *testing.T) { checkMessage(t, wire.Draft18, unhex(t, tt.hex), tt.want) })
	}
}

// checkMessage decodes b, and encodes what came out to the same bytes.
func checkMessage(t *testing.T, d *wire.Dialect, b []byte, want wire.Message) {
	t.Helper()
	got, err := d.NewStreamReader(bytes.NewReader(b)).Message()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("message differs (-want +got):\n%s", diff)
	}
	again, err := d.AppendMessage(nil, got)
	if err != nil {
		t.Fatal(err)
	}
	// A stream type may be coded longer than need be, a message may not.
	if !bytes.Equal(again, b) {
		t.Errorf("encoded again:\n%x, was\n%x", again, b)
	}
}

func TestForeignSubgroup18(t *testing.T) {
	// subgroup_header.bin and subgroup_object.bin of the same set.
	r := wire.Draft18.NewStreamReader(bytes.NewReader(unhex(t, "14072a0305"+"0502aabb")))
	typ, err := r.Varint()
	if err != nil || !wire.Draft18.IsSubgroup(typ) {
		t.Fatalf("type %#x, %v", typ, err)
	}
	h, err := r.ReadSubgroupHeader(typ)
	if err != nil {
		t.Fatal(err)
	}
	if h.TrackAlias != 7 || h.Group != 42 || h.Subgroup != 3 || h.Priority != 5 || h.EndOfGroup || h.FirstObject {
		t.Errorf("header is %+v", h)
	}
	o, err := wire.NewSubgroupReader(r, h).Next()
	if err != nil || o.Location != (wire.Location{Group: 42, Object: 5}) || o.Length != 2 || o.Subgroup != 3 {
		t.Errorf("object is %+v, %v", o, err)
	}
}

func TestForeignFetchObjects18(t *testing.T) {
	tests := []struct {
		name, hex string
		want      wire.ObjectHeader
	}{
		{"fetch_object", "1f0a02050701aa", wire.ObjectHeader{
			Location: wire.Location{Group: 10, Object: 5}, Subgroup: 2, Priority: 7, Length: 1,
		}},
		{"fetch_empty_object", "1f0a02050700", wire.ObjectHeader{
			Location: wire.Location{Group: 10, Object: 5}, Subgroup: 2, Priority: 7,
		}},
		{"fetch_eor", "808c050a", wire.ObjectHeader{
			Location: wire.Location{Group: 5, Object: 10}, EndOfRange: true,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := wire.Draft18.NewStreamReader(bytes.NewReader(unhex(t, tt.hex)))
			got, err := wire.NewFetchReader(r, false).Next()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("object differs (-want +got):\n%s", diff)
			}
		})
	}
}

// Bytes of draft 16, laid out by hand from the text of
// draft-ietf-moq-transport-16; the sections are named.
var draft16 = []struct {
	name, hex string
	want      wire.Message
}{
	// "CLIENT_SETUP and SERVER_SETUP": two parameters, MAX_REQUEST_ID (0x2) 100
	// as 0x4064, then, three types on, AUTHORITY (0x5) "a".
	{"client_setup", "20000702024064030161", &wire.Setup{Options: wire.KeyValues{
		{Type: wire.OptionMaxRequestID, Int: 100}, {Type: wire.OptionAuthority, Bytes: []byte("a")},
	}}},
	// "SUBSCRIBE": FORWARD (0x10) 1, SUBSCRIBER_PRIORITY (0x20) 128 in two
	// bytes, SUBSCRIPTION_FILTER (0x21) of one byte, Largest Object, and
	// GROUP_ORDER (0x22) ascending.
	{"subscribe", "0300160201046c6976650376696404" + "1001" + "104080" + "010102" + "0101", &wire.Subscribe{
		RequestID: 2, Track: live,
		Params: wire.Params{
			Forward: new(uint8(1)), SubscriberPriority: new(uint8(128)),
			Filter: &wire.Filter{Type: wire.LargestObject}, GroupOrder: new(uint8(1)),
		},
	}},
	// What shaka-player 5.2.12 sends (lib/msf/buffer_control_writer.js,
	// marshalSubscribeDraft16_): four parameters, with priority 0 and GROUP_ORDER
	// 0, which draft 16 itself no longer has.
	{"subscribe_shaka", "0300150001046c6976650376696404" + "1001" + "1000" + "010102" + "0100", &wire.Subscribe{
		Track: live,
		Params: wire.Params{
			Forward: new(uint8(1)), SubscriberPriority: new(uint8(0)),
			Filter: &wire.Filter{Type: wire.LargestObject}, GroupOrder: new(uint8(0)),
		},
	}},
	// "Subscription Filters": an absolute range has an absolute End Group.
	{"subscribe_range", "0300120001046c6976650376696401" + "21" + "0404050006", &wire.Subscribe{
		Track: live,
		Params: wire.Params{Filter: &wire.Filter{
			Type: wire.AbsoluteRange, Start: wire.Location{Group: 5}, EndGroup: 6,
		}},
	}},
	// "SUBSCRIBE_OK": LARGEST_OBJECT (0x9) has a length before it.
	{"subscribe_ok", "0400070207010902" + "0503", &wire.SubscribeOK{
		RequestID: 2, TrackAlias: 7, Params: wire.Params{Largest: &wire.Location{Group: 5, Object: 3}},
	}},
	// "PUBLISH_DONE": here TOO_FAR_BEHIND is 0x6, not 0x5 as in draft 18.
	{"publish_done", "0b000602060302" + "6868", &wire.PublishDone{
		RequestID: 2, Code: wire.DoneTooFarBehind, Streams: 3, Reason: "hh",
	}},
	// "REQUEST_UPDATE" names the request it changes.
	{"request_update", "020005040201" + "1000", &wire.RequestUpdate{
		RequestID: 4, ExistingID: 2, Params: wire.Params{Forward: new(uint8(0))},
	}},
	// "SUBSCRIBE_NAMESPACE" has type 0x11 and Subscribe Options.
	{"subscribe_namespace", "1100090601046c6976650200", &wire.SubscribeNamespace{
		RequestID: 6, Prefix: []string{"live"}, Options: wire.WantBoth,
	}},
	{"fetch_joining", "16000508020200" + "00", &wire.Fetch{
		RequestID: 8, Type: wire.RelativeJoiningFetch, JoiningID: 2,
	}},
	{"fetch_ok", "1800050801090400", &wire.FetchOK{
		RequestID: 8, EndOfTrack: 1, End: wire.Location{Group: 9, Object: 4},
	}},
	{"goaway", "1000020175", &wire.Goaway{URI: "u"}},
	{"max_request_id", "150002" + "4100", &wire.MaxRequestID{Max: 256}},
	{"unsubscribe", "0a000102", &wire.Unsubscribe{RequestID: 2}},
}

// FETCH in the layout of draft 14, by hand from the text of
// draft-ietf-moq-transport-14: Subscriber Priority and Group Order go before the
// Fetch Type.
func TestFetchOfDraft14(t *testing.T) {
	location := func(group, object uint64) wire.Location { return wire.Location{Group: group, Object: object} }
	for name, tt := range map[string]struct {
		hex  string
		want *wire.Fetch
	}{
		"standalone": {"160013048000" + "01" + "01046c69766503766964" + "0000" + "0100" + "00", &wire.Fetch{
			RequestID: 4, Type: wire.StandaloneFetch, Track: live, End: location(1, 0),
			Params: wire.Params{SubscriberPriority: new(uint8(128))},
		}},
		"joining": {"160007040002" + "02" + "0201" + "00", &wire.Fetch{
			RequestID: 4, Type: wire.RelativeJoiningFetch, JoiningID: 2, JoiningStart: 1,
			Params: wire.Params{SubscriberPriority: new(uint8(0)), GroupOrder: new(uint8(2))},
		}},
		// The priority reads as a Fetch Type of draft 16; what follows does not fit.
		"priority 1": {"160013040101" + "01" + "01046c69766503766964" + "0000" + "0100" + "00", &wire.Fetch{
			RequestID: 4, Type: wire.StandaloneFetch, Track: live, End: location(1, 0),
			Params: wire.Params{SubscriberPriority: new(uint8(1)), GroupOrder: new(uint8(1))},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := wire.Draft16.NewStreamReader(bytes.NewReader(unhex(t, tt.hex))).Message()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wire.Message(tt.want), got); diff != "" {
				t.Errorf("message differs (-want +got):\n%s", diff)
			}
			if m, err := wire.Draft18.NewStreamReader(bytes.NewReader(unhex(t, tt.hex))).Message(); err == nil {
				t.Errorf("draft 18 takes it for %+v", m)
			}
		})
	}
}

func TestMessages16(t *testing.T) {
	for _, tt := range draft16 {
		t.Run(tt.name, func(t *testing.T) { checkMessage(t, wire.Draft16, unhex(t, tt.hex), tt.want) })
	}
}

// The layouts of draft 18 that the foreign set does not touch, by hand from its
// text.
var draft18 = []struct {
	name, hex string
	want      wire.Message
}{
	// "Message Parameters": FORWARD, SUBSCRIBER_PRIORITY and GROUP_ORDER are
	// single bytes, so 128 is 0x80; the filter's end is a distance.
	{"subscribe", "0300180201046c6976650376696404" + "1001" + "1080" + "0104040500" + "01" + "0102", &wire.Subscribe{
		RequestID: 2, Track: live,
		Params: wire.Params{
			Forward: new(uint8(1)), SubscriberPriority: new(uint8(128)),
			Filter:     &wire.Filter{Type: wire.AbsoluteRange, Start: wire.Location{Group: 5}, EndGroup: 6},
			GroupOrder: new(uint8(2)),
		},
	}},
	// "LARGEST OBJECT Parameter": a Location without length.
	{"subscribe_ok", "0400050701090503", &wire.SubscribeOK{
		TrackAlias: 7, Params: wire.Params{Largest: &wire.Location{Group: 5, Object: 3}},
	}},
	{"publish_done", "0b000405030168", &wire.PublishDone{Code: wire.DoneTooFarBehind, Streams: 3, Reason: "h"}},
	{"subscribe_namespace", "5000080601046c69766500", &wire.SubscribeNamespace{
		RequestID: 6, Prefix: []string{"live"}, Options: wire.WantNamespace,
	}},
	{"namespace", "080006010463616d31", &wire.Namespace{Suffix: []string{"cam1"}}},
}

func TestMessages18(t *testing.T) {
	for _, tt := range draft18 {
		t.Run(tt.name, func(t *testing.T) { checkMessage(t, wire.Draft18, unhex(t, tt.hex), tt.want) })
	}
}

// "Examples": a subgroup on one stream. The text's "Object ID = 1" of the second
// object is a delta of zero on the wire.
func TestDraftExample(t *testing.T) {
	stream := unhex(t, "1402000000"+"0004"+hex.EncodeToString([]byte("abcd"))+"0004"+hex.EncodeToString([]byte("efgh")))
	for _, d := range wire.Dialects {
		r := d.NewStreamReader(bytes.NewReader(stream))
		typ, _ := r.Varint()
		h, err := r.ReadSubgroupHeader(typ)
		if err != nil || h.TrackAlias != 2 {
			t.Fatalf("header %+v, %v", h, err)
		}
		objects := wire.NewSubgroupReader(r, h)
		for id, want := range []string{"abcd", "efgh"} {
			o, err := objects.Next()
			if err != nil || o.Location.Object != uint64(id) {
				t.Fatalf("object %d: %+v, %v", id, o, err)
			}
			payload := make([]byte, o.Length)
			if _, err := r.Read(payload); err != nil || string(payload) != want {
				t.Errorf("payload %q, %v", payload, err)
			}
		}
	}
}
