package beacon

import (
	"crypto/ed25519"
	"fmt"
	"time"
)

const (
	// SessionLife is how long a session key counts: what it is worth to a thief.
	SessionLife = time.Hour
	// sessionLead is how long before its time the next key is in the catalog. Who
	// polls a catalog that is written every two seconds has it by far.
	sessionLead = 5 * time.Minute
	// sessionSlack is how far the clock may be set back without another key.
	sessionSlack = time.Minute
)

// Authority has the stream key, and makes the session keys of one broadcast.
type Authority struct {
	// Set by NewAuthority, then read-only.
	stream    ed25519.PrivateKey
	namespace string

	previous, current, next *session // nil before they are made.
}

type session struct {
	private     ed25519.PrivateKey
	certificate Certificate
}

// NewAuthority makes an Authority; its first session key is made by Advance.
func NewAuthority(stream ed25519.PrivateKey, namespace string) *Authority {
	return &Authority{stream: stream, namespace: namespace}
}

// Advance sees to a session key for now, and to the next one in good time. group
// is the newest of the broadcast: no new key speaks of an older one. changed says
// that Keys gives others than before: the catalog is to be published before the
// next beacon. The error is the system's, for want of chance.
func (a *Authority) Advance(now time.Time, group uint64) (changed bool, err error) {
	at := now.UnixMilli()
	if a.current == nil || !a.current.covers(at) {
		return true, a.succeed(at, group)
	}
	if a.next != nil || at < a.current.certificate.NotAfter-sessionLead.Milliseconds() {
		return false, nil
	}
	a.next, err = a.certify(a.current.certificate.NotAfter-sessionSlack.Milliseconds(), group)
	return err == nil, err
}

// covers tells whether a beacon of that time may be signed.
func (s *session) covers(at int64) bool {
	return at >= s.certificate.NotBefore && at < s.certificate.NotAfter
}

// succeed puts another key in the place of the present one: the next if there is
// one for this time.
func (a *Authority) succeed(at int64, group uint64) (err error) {
	s := a.next
	if s == nil || !s.covers(at) {
		if s, err = a.certify(at-sessionSlack.Milliseconds(), group); err != nil {
			return err
		}
	}
	a.previous, a.current, a.next = a.current, s, nil
	return nil
}

func (a *Authority) certify(notBefore int64, group uint64) (*session, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("make session key: %w", err)
	}
	notBefore = max(notBefore, 0)
	return &session{
		private:     private,
		certificate: Certify(a.stream, a.namespace, public, notBefore, notBefore+SessionLife.Milliseconds(), group),
	}, nil
}

// Session is the key that signs now; nil before the first Advance.
func (a *Authority) Session() ed25519.PrivateKey {
	if a.current == nil {
		return nil
	}
	return a.current.private
}

// Keys are for the catalog. They are the caller's.
func (a *Authority) Keys() *Keys {
	k := &Keys{StreamKey: publicOf(a.stream)}
	for _, s := range []*session{a.previous, a.current, a.next} {
		if s != nil {
			k.Certificates = append(k.Certificates, s.certificate)
		}
	}
	return k
}
