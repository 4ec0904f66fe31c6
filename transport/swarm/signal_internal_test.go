package swarm

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

func TestCleanCandidate(t *testing.T) {
	const head = "candidate:842163049 1 udp 1677729535 "
	for _, tt := range []struct {
		in, out, lan string // Empty: it is left out.
	}{
		{head + "8.8.8.8 60769 typ srflx raddr 10.0.0.3 rport 5000", head + "8.8.8.8 60769 typ srflx raddr 0.0.0.0 rport 0", head + "8.8.8.8 60769 typ srflx raddr 0.0.0.0 rport 0"},
		{head + "2a00:1450::1 60769 typ host generation 0 ufrag x", head + "2a00:1450::1 60769 typ host generation 0 ufrag x", head + "2a00:1450::1 60769 typ host generation 0 ufrag x"},
		{head + "192.168.0.3 60769 typ host", "", head + "192.168.0.3 60769 typ host"},
		{head + "10.1.1.1 60769 typ srflx", "", head + "10.1.1.1 60769 typ srflx"},
		{head + "127.0.0.1 60769 typ host", "", head + "127.0.0.1 60769 typ host"},
		{head + "169.254.1.1 60769 typ host", "", head + "169.254.1.1 60769 typ host"},
		{head + "100.64.3.2 60769 typ host", "", head + "100.64.3.2 60769 typ host"},
		{head + "fe80::1 60769 typ host", "", head + "fe80::1 60769 typ host"},
		{head + "fd00::1 60769 typ host", "", head + "fd00::1 60769 typ host"},
		{head + "::1 60769 typ host", "", head + "::1 60769 typ host"},
		{head + "::ffff:192.168.0.3 60769 typ host", "", head + "::ffff:192.168.0.3 60769 typ host"},
		{head + "0f1a.local 60769 typ host", "", head + "0f1a.local 60769 typ host"},
		{head + "0f1a.LOCAL 60769 typ srflx", "", ""},
		{head + "fe80::1%eth0 60769 typ host", "", ""},
		{head + "0.0.0.0 60769 typ host", "", ""},
		{head + "224.0.0.1 60769 typ host", "", ""},
		{head + "255.255.255.255 60769 typ host", "", ""},
		{head + "example.com 60769 typ host", "", ""},
		{head + "8.8.8.8 53 typ host", "", ""},
		{head + "8.8.8.8 70000 typ host", "", ""},
		{head + "8.8.8.8 60769 typ relay raddr 1.1.1.1 rport 5000", "", ""},
		{head + "8.8.8.8 60769 typ prflx", "", ""},
		{strings.Replace(head, "udp", "tcp", 1) + "8.8.8.8 60769 typ host tcptype active", "", ""},
		{"candidate:1 1 udp", "", ""},
		{"", "", ""},
	} {
		for lan, want := range map[bool]string{false: tt.out, true: tt.lan} {
			got, ok := cleanCandidate(tt.in, lan)
			if got != want || ok != (want != "") {
				t.Errorf("%q (LAN %v) becomes %q; want %q", tt.in, lan, got, want)
			}
		}
	}
}

func TestMatches(t *testing.T) {
	want := strings.Repeat("0f", 32)
	for value, ok := range map[string]bool{
		"sha-256 " + strings.Repeat("0F:", 31) + "0F":   true,
		" SHA-256  " + strings.Repeat("0f:", 31) + "0f": true,
		"sha-256 " + strings.Repeat("0F:", 30) + "0F":   false,
		"sha-256 " + strings.Repeat("0E:", 31) + "0E":   false,
		"sha-384 " + strings.Repeat("0F:", 31) + "0F":   false,
		"sha-256": false, "": false, "sha-256 xyz": false,
	} {
		if matches(value, want) != ok {
			t.Errorf("%q matches: %v", value, !ok)
		}
	}
}

// Whatever a viewer sends, what goes out names no address that it should not, and has
// the right fingerprint and no other.
func FuzzCleanSDP(f *testing.F) {
	fingerprint := strings.Repeat("0f", 32)
	good := "a=fingerprint:sha-256 " + strings.Repeat("0F:", 31) + "0F\r\n"
	f.Add("v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\nc=IN IP4 10.0.0.1\r\n"+good+"a=candidate:1 1 udp 1 10.0.0.1 5000 typ host\r\n", false)
	f.Add(good+"A=Candidate:1 1 UDP 1 8.8.8.8 5000 typ srflx raddr 10.0.0.1 rport 5", false)
	f.Add(good+"a=rtcp:9 IN IP4 10.0.0.1\na=fingerprint:sha-1 AB", true)
	f.Fuzz(func(t *testing.T, sdp string, lan bool) {
		out, err := cleanSDP(sdp, fingerprint, lan)
		if err != nil {
			if !errors.Is(err, errFingerprint) && !errors.Is(err, errSDP) {
				t.Fatal(err)
			}
			return
		}
		again, err := cleanSDP(out, fingerprint, lan)
		if err != nil || again != out {
			t.Fatalf("%q becomes %q the second time, %v", out, again, err)
		}
		for line := range strings.Lines(out) {
			f := strings.Fields(line)
			if lan || len(f) < 8 || !strings.HasPrefix(f[0], "a=candidate:") {
				continue
			}
			if a, err := netip.ParseAddr(f[4]); err != nil || !isPublic(a.Unmap()) {
				t.Fatalf("%q goes out", line)
			}
		}
	})
}

// A candidate that goes out names a public address and a port that is no server's, and
// tells no other address beside; cleaned once is cleaned.
func FuzzCleanCandidate(f *testing.F) {
	for _, s := range []string{
		"candidate:1 1 udp 2113937151 8.8.4.4 50001 typ srflx raddr 192.168.1.7 rport 50000 generation 0 ufrag abcd network-cost 999",
		"candidate:842163049 1 udp 1677729535 2001:db8::7 61002 typ host generation 0",
		"candidate:2 1 UDP 2113937151 ::ffff:192.168.1.7 50000 typ host",
		"candidate:3 1 udp 2113937151 0f1a2b3c-1234-4abc-8def-001122334455.local 50000 typ host",
		"candidate:4 1 tcp 1518280447 8.8.4.4 9 typ host tcptype active",
		"candidate:5 1 udp 41885439 8.8.8.8 3478 typ relay raddr 8.8.4.4 rport 1",
	} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, lan bool) {
		out, ok := cleanCandidate(s, lan)
		if !ok {
			return
		}
		if again, ok := cleanCandidate(out, lan); !ok || again != out {
			t.Fatalf("%q becomes %q the second time, %v", out, again, ok)
		}
		fields := strings.Fields(out)
		if port, err := strconv.Atoi(fields[5]); err != nil || port < firstPort {
			t.Fatalf("port %q", fields[5])
		}
		if lan {
			return
		}
		if a, err := netip.ParseAddr(fields[4]); err != nil || !isPublic(a.Unmap()) {
			t.Fatalf("%q goes out", out)
		}
		for i := 8; i+1 < len(fields); i += 2 {
			if fields[i] == "raddr" && fields[i+1] != "0.0.0.0" {
				t.Fatalf("%q tells an address", out)
			}
		}
	})
}
