package wsconn

import (
	"net/http"
	"slices"
	"strings"
)

// versions are prefixes that name a version of QMux: package @moq/qmux and what builds on
// it say "qmux-02.moqt-18" where the draft has "moqt-18" alone. Of what is used here both
// versions say the same.
var versions = []string{"", "qmux-02.", "qmux-01."}

// choose gives the first protocol that the client offers, too, and the name it has for it.
func choose(protocols []string, h http.Header) (protocol, name string, ok bool) {
	offered := offers(h)
	for _, protocol := range protocols {
		for _, version := range versions {
			if slices.Contains(offered, version+protocol) {
				return protocol, version + protocol, true
			}
		}
	}
	return "", "", false
}

// offers are the names in Sec-WebSocket-Protocol (RFC 6455 section 11.3.4).
func offers(h http.Header) (names []string) {
	for _, line := range h.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}
