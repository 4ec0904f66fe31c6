package qmux

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
)

// Bytes of other implementations' fixtures (moq-dev/web-transport, js/qmux and rs/qmux).
func TestForeignFrames(t *testing.T) {
	tests := []struct {
		name, wire string
		want       frame
	}{
		{"STREAM", "0e040502" + "6869", frame{kind: frameStream, stream: 4, size: 5, data: []byte("hi")}},
		{"STREAM with FIN", "0f080003" + "627965", frame{kind: frameStream, stream: 8, fin: true, data: []byte("bye")}},
		{"MAX_DATA", "104400", frame{kind: frameMaxData, value: 1024}},
		{"MAX_STREAM_DATA", "11044400", frame{kind: frameMaxStreamData, stream: 4, value: 1024}},
		{"CONNECTION_CLOSE", "1c2a0003627965", frame{kind: frameConnectionClose, value: 42, data: []byte("bye")}},
		{"CONNECTION_CLOSE of the application", "1d2a03627965", frame{kind: frameApplicationClose, value: 42, data: []byte("bye")}},
		{"QX_TRANSPORT_PARAMETERS", "ff5153300d0a0d0a0404024400", frame{kind: frameTransportParams, data: []byte{4, 2, 0x44, 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wire, _ := hex.DecodeString(tt.wire)
			got, rest, err := parseFrame(wire)
			if err != nil || len(rest) > 0 || !reflect.DeepEqual(got, tt.want) {
				t.Fatalf("got %+v, %d bytes left, %v", got, len(rest), err)
			}
			if again := got.append(nil); !bytes.Equal(again, wire) {
				t.Errorf("written as %x", again)
			}
		})
	}
}

func TestFrameForms(t *testing.T) {
	for _, tt := range []struct {
		name, wire, data string
		rest             int
	}{
		{"STREAM without offset", "0a0402686910" + "00", "hi", 2},
		{"STREAM to the record's end", "0804686910", "hi\x10", 0},
		{"DATAGRAM to the record's end", "306869", "hi", 0},
		{"DATAGRAM with length", "31016869", "h", 1},
	} {
		wire, _ := hex.DecodeString(tt.wire)
		f, rest, err := parseFrame(wire)
		if err != nil || string(f.data) != tt.data || len(rest) != tt.rest {
			t.Errorf("%s: %q, %d bytes left, %v", tt.name, f.data, len(rest), err)
		}
	}
}

func TestBadFrames(t *testing.T) {
	for name, wire := range map[string]string{
		"PING": "01", "ACK": "02", "CRYPTO": "06", "NEW_CONNECTION_ID": "18", "HANDSHAKE_DONE": "1e", "unknown": "21",
		"cut type": "ff51", "cut integer": "1044", "cut data": "0e0405036869", "no length": "1d2a",
	} {
		b, _ := hex.DecodeString(wire)
		_, _, err := parseFrame(b)
		if e, ok := errors.AsType[*ProtocolError](err); !ok || e.Code != codeFrameEncoding {
			t.Errorf("%s: %v; want FRAME_ENCODING_ERROR", name, err)
		}
	}
}

func TestParams(t *testing.T) {
	want := params{maxData: 1, bidiLocal: 2, bidiRemote: 3, uni: 4, streamsBidi: 5, streamsUni: 6, maxDatagram: 7000}
	// What is unknown is left out, however often it is there.
	b := append(want.append(nil), 0x1b, 0x00, 0x1b, 0x01, 0x09)
	if got, err := parseParams(b); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, wire := range map[string]string{
		"forbidden": "0000", "twice": "040101040102", "cut": "0402", "too long": "04020101", "empty": "0400",
		"small records": "8571c59429cd0845" + "00", "records of 100": "c571c59429cd0845" + "024064",
		"too many streams": "0808d000000000000001",
	} {
		b, _ := hex.DecodeString(wire)
		_, err := parseParams(b)
		if e, ok := errors.AsType[*ProtocolError](err); !ok || e.Code != codeTransportParams {
			t.Errorf("%s: %v; want TRANSPORT_PARAMETER_ERROR", name, err)
		}
	}
}

func FuzzFrame(f *testing.F) {
	for _, wire := range []string{
		"0e0405026869", "0f0800036279650a04026869", "104400", "11044400", "1c2a0003627965", "1d2a03627965", "04040a05", "05040a",
		"ff5153300d0a0d0a0404024400", "306869", "31016869", "f48c67529ef8c7bd01", "f48c67529ef8c7be01", "12441f", "00",
	} {
		b, _ := hex.DecodeString(wire)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = parseParams(b)
		if len(b) == 0 {
			return
		}
		got, rest, err := parseFrame(b)
		if err != nil {
			return
		}
		if len(rest) >= len(b) {
			t.Fatal("nothing was taken")
		}
		if got.kind == frameDatagram {
			got.kind = frameDatagramLength // As we write it.
		}
		again, rest, err := parseFrame(got.append(nil))
		if err != nil || len(rest) > 0 || !bytes.Equal(again.data, got.data) {
			t.Fatalf("%+v became %+v, %v", got, again, err)
		}
		again.data, got.data = nil, nil
		if !reflect.DeepEqual(again, got) {
			t.Fatalf("%+v became %+v", got, again)
		}
	})
}
