package llhls

import (
	"errors"
	"net/url"
	"strconv"

	"github.com/freshet-live/freshet/packager/hls"
)

// directives are the Delivery Directives of a playlist request (6.2.5).
type directives struct {
	blocking bool
	msn      uint64
	part     int // -1 without _HLS_part.
	skip     hls.Skip
}

var errDirectives = errors.New("malformed delivery directives")

// parseDirectives reads the query. Parameters that it does not know belong to
// others, and so do unknown values of _HLS_skip: the whole playlist is right
// for everybody.
func parseDirectives(query string) (directives, error) {
	d := directives{part: -1}
	if query == "" {
		return d, nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return d, errDirectives
	}
	for _, name := range []string{"_HLS_msn", "_HLS_part", "_HLS_skip"} {
		if len(values[name]) > 1 {
			return d, errDirectives
		}
	}
	switch values.Get("_HLS_skip") {
	case "YES":
		d.skip = hls.SkipYes
	case "v2":
		d.skip = hls.SkipV2
	}
	if values.Has("_HLS_msn") {
		d.blocking = true
		if d.msn, err = decimal(values.Get("_HLS_msn"), 64); err != nil {
			return d, err
		}
	}
	if values.Has("_HLS_part") {
		part, err := decimal(values.Get("_HLS_part"), 31)
		if err != nil || !d.blocking {
			return d, errDirectives
		}
		d.part = int(part)
	}
	return d, nil
}

// decimal reads a decimal-integer (4.2): digits alone.
func decimal(s string, bits int) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, bits)
	if err != nil || len(s) > 20 {
		return 0, errDirectives
	}
	return n, nil
}
