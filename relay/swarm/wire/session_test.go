package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

var fingerprint = strings.Repeat("0123456789abcdef", 4)

// What each message looks like is written out: a browser reads it, too.
var viewerMessages = map[string]wire.Message{
	`{"t":"hello","version":1,"namespace":"live/cam1","track":"video","fingerprint":"` + fingerprint +
		`","consent":"granted","net":"wifi","saveData":false,"lowBattery":false,"hidden":false,"mobile":true,"lan":false,"cap":2000000,"uplink":0,"agent":"chromium"}`: &wire.Hello{
		Version: 1, Namespace: "live/cam1", Track: "video", Fingerprint: fingerprint, Consent: swarm.ConsentGranted,
		Net: swarm.NetWiFi, Mobile: true, Cap: 2_000_000, Agent: "chromium",
	},
	`{"t":"update","consent":"denied","hidden":true}`:                        &wire.Update{Consent: new(swarm.ConsentDenied), Hidden: new(true)},
	`{"t":"feed","subs":15,"group":1764200000000,"n":7}`:                     &wire.Feed{Subs: 15, Group: 1764200000000, N: 7},
	`{"t":"hedge","id":3,"group":9,"n":8,"bits":"BQ=="}`:                     &wire.Hedge{ID: 3, Group: 9, N: 8, Bits: []byte{5}},
	`{"t":"cancel","id":3}`:                                                  &wire.Cancel{ID: 3},
	`{"t":"signal","peer":2,"description":{"type":"offer","sdp":"v=0\r\n"}}`: &wire.Signal{Peer: 2, Description: &wire.Description{Type: "offer", SDP: "v=0\r\n"}},
	`{"t":"signal","peer":2,"candidate":{"candidate":"","sdpMid":"0","sdpMLineIndex":0}}`: &wire.Signal{
		Peer: 2, Candidate: &wire.Candidate{SDPMid: new("0"), SDPMLineIndex: new(uint16(0))},
	},
	`{"t":"link","peer":2,"state":"open","rtt":40.5,"took":320}`: &wire.Link{
		Peer: 2, State: swarm.LinkOpen, RTT: wire.Millis(40500 * time.Microsecond), Took: wire.Millis(320 * time.Millisecond),
	},
	`{"t":"parents","parents":[0,2,2,0]}`: &wire.Parents{Parents: []swarm.PeerID{0, 2, 2, 0}},
	`{"t":"report","peerBytes":1000,"edgeBytes":1,"hedgeBytes":2,"lateBytes":3,"duplicateBytes":4,"invalidPieces":5,"uploadBytes":6,"stalls":7,` +
		`"stallTime":8,"playTime":1000,"latency":1050.5,"lag":[10,20],"queue":30,"uplink":4000000,"slots":3,"peers":[{"peer":2,"score":-1.5,"rtt":20,"bytes":9}]}`: &wire.Report{
		PeerBytes: 1000, EdgeBytes: 1, HedgeBytes: 2, LateBytes: 3, DuplicateBytes: 4, InvalidPieces: 5, UploadBytes: 6, Stalls: 7,
		StallTime: ms(8), PlayTime: ms(1000), Latency: ms(1050) + wire.Millis(500*time.Microsecond), Lag: []wire.Millis{ms(10), ms(20)},
		Queue: ms(30), Uplink: 4_000_000, Slots: 3, Peers: []wire.PeerReport{{Peer: 2, Score: -1.5, RTT: ms(20), Bytes: 9}},
	},
	`{"t":"invalid","peer":2,"group":1,"n":2,"beacon":"AQ==","piece":"Ag=="}`: &wire.Invalid{Peer: 2, Group: 1, N: 2, Beacon: []byte{1}, Piece: []byte{2}},
	`{"t":"leave","reason":"ended"}`:                                          &wire.Leave{Reason: "ended"},
	`{"t":"ping","id":7}`:                                                     &wire.Ping{ID: 7},
	`{"t":"leave"}`:                                                           &wire.Leave{},
}

func ms(n int) wire.Millis { return wire.Millis(time.Duration(n) * time.Millisecond) }

var edgeMessages = map[string]wire.Message{
	`{"t":"welcome","peer":4,"swarm":0,"mode":"edge","reason":"consent","control":false,"ice":["stun:10.0.0.1:3478"],"ask":"ask",` +
		`"params":{"delay":1000,"subs":8,"depth":4,"gapPull":150,"hedgeStart":200,"hedgeMin":150,"hedgeMax":400,"share":0.4,"capFactor":2,"cap":8000000},"lan":true}`: &wire.Welcome{
		Peer: 4, Mode: swarm.ModeEdge, Reason: "consent", ICE: []string{"stun:10.0.0.1:3478"}, Ask: "ask",
		Params: wire.ParamsOf(swarm.DefaultParams()), LAN: true,
	},
	`{"t":"mode","mode":"receive","reason":"cellular"}`: &wire.Mode{Mode: swarm.ModeReceive, Reason: "cellular"},
	`{"t":"candidates","peers":[{"peer":2,"role":"standby","fingerprint":"` + fingerprint + `","offer":true,"near":false,"prefix":1,"asn":2,"token":"abc"}]}`: &wire.Candidates{
		Peers: []wire.CandidatePeer{{Peer: 2, Role: wire.RoleStandby, Fingerprint: fingerprint, Offer: true, Prefix: 1, ASN: 2, Token: "abc"}},
	},
	`{"t":"assign","sub":3,"peer":2}`:                       &wire.Assign{Sub: 3, Peer: 2},
	`{"t":"assign","sub":3,"peer":4,"child":5}`:             &wire.Assign{Sub: 3, Peer: 4, Child: 5},
	`{"t":"signal","peer":1,"candidate":{"candidate":""}}`:  &wire.Signal{Peer: 1, Candidate: &wire.Candidate{}},
	`{"t":"slots","slots":2}`:                               &wire.Slots{Slots: 2},
	`{"t":"delay","delay":1250}`:                            &wire.Delay{Delay: ms(1250)},
	`{"t":"drop","peer":2,"reason":"banned","ban":3600000}`: &wire.Drop{Peer: 2, Reason: "banned", Ban: ms(3_600_000)},
	`{"t":"pong","id":7}`:                                   &wire.Pong{ID: 7},
	`{"t":"error","reason":"ended"}`:                        &wire.Error{Reason: "ended"},
}

func TestSessionMessages(t *testing.T) {
	for name, tt := range map[string]struct {
		all   map[string]wire.Message
		parse func([]byte) (wire.Message, error)
	}{"viewer": {viewerMessages, wire.ParseViewer}, "edge": {edgeMessages, wire.ParseEdge}} {
		t.Run(name, func(t *testing.T) {
			for text, want := range tt.all {
				b, err := wire.AppendMessage(nil, want)
				if err != nil {
					t.Errorf("%s: %v", text, err)
					continue
				}
				frame, err := wire.NewFrames(bytes.NewReader(b)).Next()
				if err != nil || string(frame) != text {
					t.Errorf("%s is written as %s, %v; want %s", want.Kind(), frame, err, text)
				}
				got, err := tt.parse([]byte(text))
				if err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", text, diff)
				}
			}
		})
	}
}

// Other versions may say more.
func TestSessionIgnoresWhatIsNotKnown(t *testing.T) {
	if m, err := wire.ParseViewer([]byte(`{"t":"dance","style":"tango"}`)); m != nil || err != nil {
		t.Errorf("got %v, %v", m, err)
	}
	m, err := wire.ParseViewer([]byte(`{"colour":"blue","id":3,"t":"cancel"}`))
	if diff := cmp.Diff(wire.Message(&wire.Cancel{ID: 3}), m); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	// What an edge says a viewer does not.
	if m, err := wire.ParseViewer([]byte(`{"t":"drop","peer":2}`)); m != nil || err != nil {
		t.Errorf("got %v, %v", m, err)
	}
}

// Rates and times of a browser have fractions.
func TestSessionFractions(t *testing.T) {
	m, err := wire.ParseViewer([]byte(`{"t":"report","uplink":1234567.6,"queue":0.25,"peerBytes":1e3}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &wire.Report{Uplink: 1_234_568, Queue: wire.Millis(250 * time.Microsecond), PeerBytes: 1000}
	if diff := cmp.Diff(wire.Message(want), m); diff != "" {
		t.Error(diff)
	}
}

func TestSessionBounds(t *testing.T) {
	hello := func(old, other string) string {
		b, err := json.Marshal(viewerHello)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(b), "{", `{"t":"hello",`, 1)
		if !strings.Contains(text, old) {
			t.Fatalf("%s does not hold %s", text, old)
		}
		return strings.Replace(text, old, other, 1)
	}
	if _, err := wire.ParseViewer([]byte(hello("x", "y"))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"no JSON":             `{`,
		"an array":            `[]`,
		"version 0":           hello(`"version":1`, `"version":0`),
		"no namespace":        hello(`"live/x"`, `""`),
		"long track":          hello(`"video"`, `"`+strings.Repeat("v", 5000)+`"`),
		"upper case":          hello(fingerprint, strings.ToUpper(fingerprint)),
		"short fingerprint":   hello(fingerprint, fingerprint[:62]),
		"consent":             hello(`"granted"`, `"sure"`),
		"net":                 hello(`"wifi"`, `"carrier pigeon"`),
		"agent":               hello(`"native"`, `"netscape"`),
		"cap":                 hello(`"cap":0`, `"cap":-1`),
		"uplink":              hello(`"uplink":0`, `"uplink":1e300`),
		"a word for a number": hello(`"uplink":0`, `"uplink":"fast"`),
		"subs":                `{"t":"feed","subs":65536}`,
		"group":               `{"t":"feed","group":9007199254740992}`,
		"negative group":      `{"t":"feed","group":-1}`,
		"n":                   `{"t":"feed","n":4294967296}`,
		"bits":                `{"t":"hedge","bits":"` + strings.Repeat("AAAA", 11) + `"}`,
		"no base64":           `{"t":"hedge","bits":"*"}`,
		"signal of nothing":   `{"t":"signal","peer":1}`,
		"signal of both":      `{"t":"signal","peer":1,"candidate":{},"description":{"type":"offer"}}`,
		"rollback":            `{"t":"signal","peer":1,"description":{"type":"rollback"}}`,
		"long description":    `{"t":"signal","peer":1,"description":{"type":"offer","sdp":"` + strings.Repeat("a", 16<<10+1) + `"}}`,
		"long candidate":      `{"t":"signal","peer":1,"candidate":{"candidate":"` + strings.Repeat("a", 1025) + `"}}`,
		"state":               `{"t":"link","state":"broken"}`,
		"negative rtt":        `{"t":"link","state":"open","rtt":-1}`,
		"parents":             `{"t":"parents","parents":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}`,
		"many peers":          `{"t":"report","peers":[` + strings.Repeat(`{"peer":1},`, 32) + `{"peer":1}]}`,
		"score":               `{"t":"report","peers":[{"peer":1,"score":101}]}`,
		"lag":                 `{"t":"report","lag":[-1]}`,
		"negative bytes":      `{"t":"report","peerBytes":-5}`,
		"piece":               `{"t":"invalid","piece":"` + strings.Repeat("AAAA", 10924) + `"}`,
		"reason":              `{"t":"leave","reason":"` + strings.Repeat("a", 65) + `"}`,
		"long":                `{"t":"leave","more":"` + strings.Repeat("a", wire.MaxMessage) + `"}`,
	} {
		if m, err := wire.ParseViewer([]byte(text)); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: got %v, %v", name, m, err)
		}
	}
	for name, text := range map[string]string{
		"own number": `{"t":"welcome","peer":0,"mode":"on","params":{"subs":4}}`,
		"mode":       `{"t":"mode","mode":"off"}`,
		"subs":       `{"t":"welcome","peer":1,"mode":"on","params":{"subs":17}}`,
		"share":      `{"t":"welcome","peer":1,"mode":"on","params":{"subs":4,"share":1.5}}`,
		"candidate":  `{"t":"candidates","peers":[{"peer":0}]}`,
		"role":       `{"t":"candidates","peers":[{"peer":1,"fingerprint":"` + fingerprint + `","role":"king"}]}`,
		"sub":        `{"t":"assign","sub":16}`,
		"slots":      `{"t":"slots","slots":-1}`,
		"delay":      `{"t":"delay","delay":0}`,
		"ban":        `{"t":"drop","ban":-1}`,
	} {
		if m, err := wire.ParseEdge([]byte(text)); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: got %v, %v", name, m, err)
		}
	}
}

var viewerHello = &wire.Hello{
	Version: 1, Namespace: "live/x", Track: "video", Fingerprint: fingerprint,
	Consent: swarm.ConsentGranted, Net: swarm.NetWiFi, Agent: "native",
}

// The whole evidence fits a message.
func TestSessionEvidenceFits(t *testing.T) {
	m := &wire.Invalid{Peer: 1, Group: 1<<53 - 1, N: 1<<32 - 1, Beacon: make([]byte, wire.MaxBeacon), Piece: make([]byte, swarm.MaxPiece)}
	if _, err := wire.AppendMessage(nil, m); err != nil {
		t.Error(err)
	}
}

func TestSessionFrames(t *testing.T) {
	var b []byte
	for _, id := range []uint64{1, 2} {
		var err error
		if b, err = wire.AppendMessage(b, &wire.Cancel{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	f := wire.NewFrames(bytes.NewReader(b))
	for _, want := range []string{`{"t":"cancel","id":1}`, `{"t":"cancel","id":2}`} {
		if got, err := f.Next(); err != nil || string(got) != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
	if _, err := f.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last: %v", err)
	}
	if _, err := wire.NewFrames(bytes.NewReader(b[:5])).Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("in the midst: %v", err)
	}
	if _, err := wire.NewFrames(bytes.NewReader([]byte{0x80, 1, 0, 1})).Next(); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("65,537 bytes: %v", err)
	}
}

func TestPieces(t *testing.T) {
	b := wire.AppendPiecesHeader(nil, wire.PiecesHeader{Swarm: 1, Kind: wire.PiecesHedged, ID: 300})
	want := map[swarm.PieceID]string{{Group: 1 << 40, N: 5}: "five", {Group: 1 << 40, N: 9}: ""}
	for _, id := range []swarm.PieceID{{Group: 1 << 40, N: 5}, {Group: 1 << 40, N: 9}} {
		b = append(wire.AppendPieceHeader(b, id, len(want[id])), want[id]...)
	}
	p, err := wire.NewPieces(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if p.Header != (wire.PiecesHeader{Swarm: 1, Kind: wire.PiecesHedged, ID: 300}) {
		t.Errorf("header is %+v", p.Header)
	}
	got := make(map[swarm.PieceID]string)
	for range 2 {
		id, piece, err := p.Next()
		if err != nil {
			t.Fatal(err)
		}
		got[id] = string(piece)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, _, err := p.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestPiecesBounds(t *testing.T) {
	header := wire.AppendPiecesHeader(nil, wire.PiecesHeader{})
	for name, tt := range map[string]struct {
		b    []byte
		want error
	}{
		"kind":      {wire.AppendPiecesHeader(nil, wire.PiecesHeader{Kind: 2}), wire.ErrInvalid},
		"no header": {header[:2], io.ErrUnexpectedEOF},
		"size":      {wire.AppendPieceHeader(header, swarm.PieceID{}, swarm.MaxPiece+1), wire.ErrInvalid},
		"n":         {append(bytes.Clone(header), 0, 0xc0, 0, 0, 1, 0, 0, 0, 0, 0), wire.ErrInvalid},
		"group":     {append(bytes.Clone(header), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), wire.ErrInvalid},
		"cut":       {append(wire.AppendPieceHeader(header, swarm.PieceID{}, 4), 1, 2), io.ErrUnexpectedEOF},
		"cut early": {append(bytes.Clone(header), 0), io.ErrUnexpectedEOF},
	} {
		p, err := wire.NewPieces(bytes.NewReader(tt.b))
		if err == nil {
			_, _, err = p.Next()
		}
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v; want %v", name, err, tt.want)
		}
	}
}

func FuzzSessionMessages(f *testing.F) {
	for _, all := range []map[string]wire.Message{viewerMessages, edgeMessages} {
		for text := range all {
			f.Add([]byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func([]byte) (wire.Message, error){wire.ParseViewer, wire.ParseEdge} {
			m, err := parse(b)
			if err != nil || m == nil {
				continue
			}
			out, err := wire.AppendMessage(nil, m)
			if err != nil {
				if strings.Contains(err.Error(), "of 6") {
					continue // Escapes make it longer than it came.
				}
				t.Fatalf("%#v cannot be written: %v", m, err)
			}
			frame, err := wire.NewFrames(bytes.NewReader(out)).Next()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parse(frame); err != nil {
				t.Fatalf("%s: %v", frame, err)
			}
		}
	})
}

// A stream of messages as it comes, cut anywhere: what was read is written again as it
// was, and what is announced and does not come costs no memory.
func FuzzFrames(f *testing.F) {
	var all []byte
	for text := range viewerMessages {
		all = append(append(all, 0x40|byte(len(text)>>8), byte(len(text))), text...)
	}
	for _, b := range [][]byte{all, all[:len(all)/2], {}, {0}, {0x80, 1, 0, 0}, {0x80, 1, 0, 1}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frames := wire.NewFrames(bytes.NewReader(b))
		read := 0
		for {
			frame, err := frames.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, wire.ErrInvalid) {
					t.Fatal(err)
				}
				break
			}
			if read += 1 + len(frame); read > len(b) || cap(frame) > 2*len(b)+2*4096 {
				t.Fatalf("%d bytes of %d, in %d", read, len(b), cap(frame))
			}
			for _, parse := range []func([]byte) (wire.Message, error){wire.ParseViewer, wire.ParseEdge} {
				if m, err := parse(frame); err == nil && m != nil && m.Kind() == "" {
					t.Fatalf("%s is a message without a kind", frame)
				}
			}
		}
	})
}

func FuzzPieces(f *testing.F) {
	b := wire.AppendPiecesHeader(nil, wire.PiecesHeader{Swarm: 1, ID: 300})
	f.Add(append(wire.AppendPieceHeader(b, swarm.PieceID{Group: 300, N: 5}, 3), 1, 2, 3))
	hedged := wire.AppendPiecesHeader(nil, wire.PiecesHeader{Swarm: 3, Kind: wire.PiecesHedged, ID: 7})
	f.Add(hedged)
	two := hedged
	for n := range uint32(2) {
		two = append(wire.AppendPieceHeader(two, swarm.PieceID{Group: 1_764_200_000_000, N: 1<<32 - 2 + n}, swarm.MaxPiece), make([]byte, swarm.MaxPiece)...)
	}
	f.Add(two)
	f.Add(two[:len(two)-1])
	f.Add(wire.AppendPieceHeader(hedged, swarm.PieceID{}, swarm.MaxPiece+1))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := wire.NewPieces(bytes.NewReader(b))
		for err == nil {
			var piece []byte
			if _, piece, err = p.Next(); len(piece) > swarm.MaxPiece {
				t.Fatalf("a piece of %d bytes", len(piece))
			}
		}
	})
}
