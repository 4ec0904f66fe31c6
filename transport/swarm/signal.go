package swarm

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// The reasons why a signal goes no further; they are labels of metrics.
var (
	errStranger    = errors.New("stranger")
	errFingerprint = errors.New("fingerprint")
	errSDP         = errors.New("sdp")
	errCandidate   = errors.New("candidate")
	errFlood       = errors.New("flood")
)

const (
	// maxLines bounds the lines of a description. A data channel needs about 20, and
	// one for each candidate.
	maxLines = 200
	// firstPort is the lowest port that candidates may name: below are servers' ports,
	// whom peers would send their checks to.
	firstPort = 1024
)

// cleanSDP gives a description without the candidates that others are not to see. Each
// fingerprint in it must be that of the viewer's hello.
func cleanSDP(sdp, fingerprint string, lan bool) (string, error) {
	lines := strings.SplitAfterN(sdp, "\n", maxLines+1)
	if len(lines) > maxLines {
		return "", errSDP
	}
	var out strings.Builder
	out.Grow(len(sdp))
	shown := false
	for _, line := range lines {
		text := strings.TrimRight(line, "\r\n")
		// An attribute's name is case-sensitive (RFC 8866, section 9), but who reads it
		// may be lenient.
		name, value, _ := strings.Cut(text, ":")
		switch strings.ToLower(name) {
		case "a=fingerprint":
			if !matches(value, fingerprint) {
				return "", errFingerprint
			}
			shown = true
		case "a=candidate":
			cleaned, ok := cleanCandidate("candidate:"+value, lan)
			if !ok {
				continue
			}
			line = "a=" + cleaned + "\r\n"
		default:
			line = withoutAddress(line, text)
		}
		out.WriteString(line)
	}
	if !shown {
		return "", errFingerprint
	}
	return out.String(), nil
}

// withoutAddress blanks the addresses of the lines that name one: origin and
// connection (RFC 8866, sections 5.2 and 5.7), rtcp (RFC 3605). Candidates count.
func withoutAddress(line, text string) string {
	f := strings.Fields(text)
	switch {
	case strings.HasPrefix(text, "c="):
		return "c=IN IP4 0.0.0.0\r\n"
	case strings.HasPrefix(text, "o=") && len(f) == 6:
		return strings.Join(f[:3], " ") + " IN IP4 0.0.0.0\r\n"
	case strings.HasPrefix(text, "o="), strings.HasPrefix(text, "a=rtcp:"):
		return ""
	}
	return line
}

// matches tells whether the value of a fingerprint attribute (RFC 8122, section 5) is a
// SHA-256 hash in hexadecimal.
func matches(value, fingerprint string) bool {
	hash, digest, ok := strings.Cut(strings.TrimSpace(value), " ")
	if !ok || !strings.EqualFold(hash, "sha-256") {
		return false
	}
	b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(digest), ":", ""))
	return err == nil && len(b) == 32 && hex.EncodeToString(b) == fingerprint
}

// cleanCandidate gives a candidate-attribute (RFC 8839, section 5.1) as others may see
// it; false when they may not.
func cleanCandidate(s string, lan bool) (string, bool) {
	f := strings.Fields(s)
	// candidate:foundation component transport priority address port typ type ...
	if len(f) < 8 || !strings.HasPrefix(f[0], "candidate:") || f[6] != "typ" || !strings.EqualFold(f[2], "udp") {
		return "", false
	}
	port, err := strconv.ParseUint(f[5], 10, 16)
	if err != nil || port < firstPort || f[7] != "host" && f[7] != "srflx" || !mayShow(f[4], f[7], lan) {
		return "", false
	}
	// What follows are pairs of names and values.
	for i := 8; i+1 < len(f); i += 2 {
		switch f[i] {
		case "raddr":
			f[i+1] = "0.0.0.0"
		case "rport":
			f[i+1] = "0"
		}
	}
	return strings.Join(f, " "), true
}

// mayShow tells whether peers may learn of an address.
func mayShow(address, kind string, lan bool) bool {
	if strings.HasSuffix(strings.ToLower(address), ".local") {
		return lan && kind == "host"
	}
	a, err := netip.ParseAddr(address)
	if err != nil || a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	if a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return false
	}
	return lan || isPublic(a)
}

// Prefixes that the internet does not lead to, beside those that netip knows:
// carriers' NAT (RFC 6598), this network, benchmarks, reserved ones.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("fec0::/10"),
}

func isPublic(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
