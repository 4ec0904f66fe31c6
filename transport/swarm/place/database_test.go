package place_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/freshet-live/freshet/transport/swarm"
	"github.com/freshet-live/freshet/transport/swarm/place"
)

// The writer below follows https://maxmind.github.io/MaxMind-DB/ for as much as the
// test needs: maps, strings, unsigned integers, a tree of 24-bit records over IPv6.

const (
	typeString = 2
	typeUint16 = 5
	typeUint32 = 6
	typeMap    = 7
	typeUint64 = 9
	typeArray  = 11
)

// control is the byte, or two, before a value. Sizes are below 29.
func control(kind, size int) []byte {
	if kind > 7 {
		return []byte{byte(size), byte(kind - 7)}
	}
	return []byte{byte(kind<<5 | size)}
}

func text(s string) []byte { return append(control(typeString, len(s)), s...) }

func uint32Of(v uint32) []byte {
	return append(control(typeUint32, 4), binary.BigEndian.AppendUint32(nil, v)...)
}

func mapOf(pairs ...[]byte) []byte {
	return append(control(typeMap, len(pairs)/2), bytes.Join(pairs, nil)...)
}

// write makes a database of prefixes with data.
func write(t *testing.T, entries map[string][]byte) string {
	t.Helper()
	type node struct {
		child [2]*node
		data  int // Offset; -1 is none.
	}
	root := &node{data: -1}
	var data []byte
	for prefix, value := range entries {
		p := netip.MustParsePrefix(prefix)
		// IPv4 is at ::/96.
		address, bits := p.Addr().As16(), p.Bits()
		if p.Addr().Is4() {
			address, bits = [16]byte{}, bits+96
			four := p.Addr().As4()
			copy(address[12:], four[:])
		}
		at := root
		for i := range bits {
			bit := address[i/8] >> (7 - i%8) & 1
			if at.child[bit] == nil {
				at.child[bit] = &node{data: -1}
			}
			at = at.child[bit]
		}
		at.data = len(data)
		data = append(data, value...)
	}
	var nodes []*node
	index := make(map[*node]int)
	for queue := []*node{root}; len(queue) > 0; queue = queue[1:] {
		index[queue[0]] = len(nodes)
		nodes = append(nodes, queue[0])
		for _, c := range queue[0].child {
			if c != nil && c.data < 0 {
				queue = append(queue, c)
			}
		}
	}
	var out []byte
	for _, n := range nodes {
		for _, c := range n.child {
			record := len(nodes) // Not found.
			switch {
			case c == nil:
			case c.data >= 0:
				record = len(nodes) + 16 + c.data
			default:
				record = index[c]
			}
			out = append(out, byte(record>>16), byte(record>>8), byte(record))
		}
	}
	out = append(out, make([]byte, 16)...)
	out = append(out, data...)
	out = append(out, "\xab\xcd\xefMaxMind.com"...)
	out = append(out, mapOf(
		text("node_count"), uint32Of(uint32(len(nodes))),
		text("record_size"), append(control(typeUint16, 1), 24),
		text("ip_version"), append(control(typeUint16, 1), 6),
		text("database_type"), text("Test"),
		text("languages"), control(typeArray, 0),
		text("binary_format_major_version"), append(control(typeUint16, 1), 2),
		text("binary_format_minor_version"), control(typeUint16, 0),
		text("build_epoch"), append(control(typeUint64, 1), 1),
		text("description"), mapOf(),
	)...)
	name := filepath.Join(t.TempDir(), "test.mmdb")
	if err := os.WriteFile(name, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPlaces(t *testing.T) {
	asn := write(t, map[string][]byte{
		"8.8.0.0/16": mapOf(text("autonomous_system_number"), uint32Of(64500), text("autonomous_system_organization"), text("Example")),
		"2a00::/16":  mapOf(text("autonomous_system_number"), uint32Of(64501)),
		"9.9.0.0/16": mapOf(text("autonomous_system_number"), text("a word")),
	})
	country := write(t, map[string][]byte{
		"8.8.8.0/24": mapOf(text("country"), mapOf(text("iso_code"), text("DE"))),
		"2a00::/16":  mapOf(text("continent"), mapOf(text("code"), text("EU"))),
	})
	db, err := place.Open(asn, country)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for address, want := range map[string]swarm.Place{
		"8.8.8.8":        {ASN: 64500, Country: "DE"},
		"::ffff:8.8.8.8": {ASN: 64500, Country: "DE"},
		"8.8.9.1":        {ASN: 64500},
		"2a00:1::1":      {ASN: 64501},
		"9.9.9.9":        {},
		"10.0.0.1":       {},
	} {
		if got := db.Place(netip.MustParseAddr(address).Unmap()); got != want {
			t.Errorf("%s is at %+v; want %+v", address, got, want)
		}
	}
	if got := db.Place(netip.Addr{}); got != (swarm.Place{}) {
		t.Errorf("no address is at %+v", got)
	}
}

func TestOpen(t *testing.T) {
	db, err := place.Open("", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := db.Place(netip.MustParseAddr("8.8.8.8")); got != (swarm.Place{}) {
		t.Errorf("without files 8.8.8.8 is at %+v", got)
	}
	broken := filepath.Join(t.TempDir(), "broken.mmdb")
	if err := os.WriteFile(broken, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{broken, filepath.Join(t.TempDir(), "absent.mmdb")} {
		if _, err := place.Open("", file); err == nil {
			t.Errorf("%s could be opened", file)
		}
	}
}
