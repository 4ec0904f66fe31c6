package srt

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"time"
)

// cookies make the answers to a caller's first packet, by which it proves in the
// second that it is where it says (section 4.3.1.1): nothing is kept for it
// until then.
type cookies struct{ secret [32]byte }

func newCookies() cookies {
	var c cookies
	_, _ = rand.Read(c.secret[:]) // It never fails.
	return c
}

// at is the cookie of an address in the minute of now.
func (c *cookies) at(now time.Time, addr netip.AddrPort) uint32 {
	var b [32 + 8 + 16 + 2]byte
	copy(b[:], c.secret[:])
	binary.BigEndian.PutUint64(b[32:], uint64(now.Unix()/60))
	ip := addr.Addr().As16()
	copy(b[40:], ip[:])
	binary.BigEndian.PutUint16(b[56:], addr.Port())
	sum := sha256.Sum256(b[:])
	return binary.BigEndian.Uint32(sum[:])
}

// valid takes the cookies of this minute and of the one before.
func (c *cookies) valid(cookie uint32, now time.Time, addr netip.AddrPort) bool {
	return cookie == c.at(now, addr) || cookie == c.at(now.Add(-time.Minute), addr)
}
