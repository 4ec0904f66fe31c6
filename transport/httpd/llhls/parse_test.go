package llhls

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/packager/hls"
)

var directiveTable = []struct {
	query string
	want  directives
	bad   bool
}{
	{query: "", want: directives{part: -1}},
	{query: "token=a", want: directives{part: -1}},
	{query: "_HLS_msn=0", want: directives{blocking: true, part: -1}},
	{query: "_HLS_msn=12&_HLS_part=3&_HLS_skip=YES", want: directives{blocking: true, msn: 12, part: 3, skip: hls.SkipYes}},
	{query: "_HLS_skip=v2", want: directives{part: -1, skip: hls.SkipV2}},
	{query: "_HLS_skip=v9", want: directives{part: -1}},
	{query: "_HLS_msn=18446744073709551615", want: directives{blocking: true, msn: 1<<64 - 1, part: -1}},
	{query: "_HLS_msn=18446744073709551616", bad: true},
	{query: "_HLS_msn=1&_HLS_part=4294967296", bad: true},
	{query: "_HLS_part=0", bad: true},
	{query: "_HLS_msn=", bad: true},
	{query: "_HLS_msn=+1", bad: true},
	{query: "_HLS_msn=-1", bad: true},
	{query: "_HLS_msn=1e3", bad: true},
	{query: "_HLS_msn=1&_HLS_msn=1", bad: true},
	{query: "_HLS_msn=1&_HLS_part=", bad: true},
	{query: "_HLS_msn=%zz", bad: true},
	{query: "_HLS_msn=" + strings.Repeat("0", 30), bad: true},
}

func TestParseDirectives(t *testing.T) {
	for _, tt := range directiveTable {
		got, err := parseDirectives(tt.query)
		if (err != nil) != tt.bad {
			t.Errorf("%q: %v", tt.query, err)
		} else if err == nil && got != tt.want {
			t.Errorf("%q: %s", tt.query, cmp.Diff(tt.want, got, cmp.AllowUnexported(directives{})))
		}
	}
}

func FuzzParseDirectives(f *testing.F) {
	for _, tt := range directiveTable {
		f.Add(tt.query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		d, err := parseDirectives(query)
		if err == nil && (d.part < -1 || d.part >= 0 && !d.blocking) {
			t.Errorf("%q gives %+v", query, d)
		}
	})
}

var rangeTable = []struct {
	header          string
	want            byteRange
	ok, satisfiable bool
}{
	{"bytes=0-0", byteRange{0, 1}, true, true},
	{"bytes=5-14", byteRange{5, 15}, true, true},
	{"bytes=5-", byteRange{5, 100}, true, true},
	{"bytes=5-9007199254740991", byteRange{5, 100}, true, true},
	{"bytes=-10", byteRange{90, 100}, true, true},
	{"bytes=-1000", byteRange{0, 100}, true, true},
	{"bytes=100-", byteRange{}, true, false},
	{"bytes=-0", byteRange{100, 100}, true, false},
	{"bytes=9-5", byteRange{}, false, false},
	{"bytes=0-1,5-6", byteRange{}, false, false},
	{"bytes=-", byteRange{}, false, false},
	{"items=0-1", byteRange{}, false, false},
	{"bytes=99999999999999999999-", byteRange{}, false, false},
}

func TestParseRange(t *testing.T) {
	for _, tt := range rangeTable {
		got, ok, satisfiable := parseRange(tt.header, 100)
		if got != tt.want || ok != tt.ok || satisfiable != tt.satisfiable {
			t.Errorf("%q: %v %v %v", tt.header, got, ok, satisfiable)
		}
	}
}

func FuzzParseRange(f *testing.F) {
	for _, tt := range rangeTable {
		f.Add(tt.header, 100)
	}
	f.Fuzz(func(t *testing.T, header string, size int) {
		size = max(size, 0)
		r, ok, satisfiable := parseRange(header, size)
		if ok && satisfiable && (r.start < 0 || r.start >= r.end || r.end > size) {
			t.Errorf("%q of %d gives %v", header, size, r)
		}
	})
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "identity": false, "*": true, "GZIP": true, "gzip;q=x": false,
	} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}
