package llhls

import (
	"strconv"
	"strings"
)

// byteRange is a span of a resource; end is behind the last byte.
type byteRange struct{ start, end int }

func (r byteRange) contentRange(size int) string {
	return "bytes " + strconv.Itoa(r.start) + "-" + strconv.Itoa(r.end-1) + "/" + strconv.Itoa(size)
}

// parseRange reads a Range header with one range (RFC 9110, 14.1.2); a last byte
// beyond the end means the end, so RFC 8673's open-ended requests work. Not ok:
// answer as if there were no header, as for several ranges.
func parseRange(header string, size int) (r byteRange, ok, satisfiable bool) {
	spec, found := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(strings.TrimSpace(spec), "-")
	if !found || !dash {
		return r, false, false
	}
	if first == "" {
		n, err := strconv.ParseUint(last, 10, 63)
		if err != nil {
			return r, false, false
		}
		start := size - int(min(n, uint64(size)))
		return byteRange{start, size}, true, start < size
	}
	start, err := strconv.ParseUint(first, 10, 63)
	if err != nil {
		return r, false, false
	}
	end := uint64(size)
	if last != "" {
		n, err := strconv.ParseUint(last, 10, 63)
		if err != nil || n < start {
			return r, false, false
		}
		end = min(n+1, end)
	}
	if start >= uint64(size) {
		return r, true, false
	}
	return byteRange{int(start), int(end)}, true, true
}
