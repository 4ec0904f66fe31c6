package swarm

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// tokenLife is how long a pair has to connect by one token.
const tokenLife = time.Hour

// issuer makes the tokens of pairs:
//
//	Token { Version (8) = 1, Lower peer (32), Higher peer (32), Expiry (64, ms since the Unix epoch), HMAC-SHA-256 (256) }
//
// in base64 without padding for URLs. The MAC is over the same, the swarm and both
// fingerprints. Peers compare what the other side shows with what the edge gave them;
// the edge alone could check it anew.
type issuer struct{ key [32]byte }

func newIssuer() *issuer {
	i := new(issuer)
	_, _ = rand.Read(i.key[:]) // It never fails (crypto/rand).
	return i
}

// party is one side of a pair.
type party struct {
	peer        policy.PeerID
	fingerprint string
}

func (i *issuer) token(swarm string, a, b party, expiry time.Time) string {
	if b.peer < a.peer {
		a, b = b, a
	}
	t := []byte{1}
	t = binary.BigEndian.AppendUint32(t, uint32(a.peer))
	t = binary.BigEndian.AppendUint32(t, uint32(b.peer))
	t = binary.BigEndian.AppendUint64(t, uint64(expiry.UnixMilli()))
	mac := hmac.New(sha256.New, i.key[:])
	mac.Write([]byte("freshet swarm pair 1\x00"))
	mac.Write(t)
	for _, s := range []string{a.fingerprint, b.fingerprint, swarm} {
		mac.Write([]byte(s)) // The first two are of one length.
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(t))
}
