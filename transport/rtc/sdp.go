package rtc

import (
	"fmt"
	"strings"
)

// maxSDP bounds a description: one of data channels alone has less than 1 kB.
const maxSDP = 16 << 10

// checkDescription refuses a description that is not of data channels alone, and
// one with another certificate than the one with this fingerprint (lower-case
// hex). The certificate itself is looked at when DTLS has it.
func checkDescription(sdp, fingerprint string) error {
	if len(sdp) > maxSDP {
		return fmt.Errorf("%w: description of %d bytes", ErrViolation, len(sdp))
	}
	media, fingerprints := 0, 0
	for line := range strings.Lines(sdp) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "m=") {
			media++
			if !strings.HasPrefix(line, "m=application ") {
				return fmt.Errorf("%w: description with media", ErrViolation)
			}
		}
		if value, ok := cutPrefixFold(line, "a=fingerprint:"); ok {
			fingerprints++
			if !sameFingerprint(value, fingerprint) {
				return fmt.Errorf("%w: description with another fingerprint", ErrIdentity)
			}
		}
	}
	if media != 1 || fingerprints == 0 {
		return fmt.Errorf("%w: description with %d media sections and %d fingerprints", ErrViolation, media, fingerprints)
	}
	return nil
}

// cutPrefixFold is strings.CutPrefix without regard to case: an attribute that
// pion might read must not pass unseen.
func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// sameFingerprint compares "sha-256 AA:BB:..." (RFC 8122, section 5) with hex.
func sameFingerprint(attribute, hex string) bool {
	hash, value, ok := strings.Cut(strings.TrimSpace(attribute), " ")
	return ok && strings.EqualFold(hash, "sha-256") &&
		strings.EqualFold(strings.ReplaceAll(value, ":", ""), hex)
}
