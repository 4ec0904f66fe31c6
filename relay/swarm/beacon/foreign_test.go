package beacon_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

// What openssl needs around a raw Ed25519 key (RFC 8410, section 10): the DER of
// SubjectPublicKeyInfo and of PKCS #8, up to the key.
const (
	spkiPrefix  = "302a300506032b6570032100"
	pkcs8Prefix = "302e020100300506032b657004220420"
)

// openssl runs it in a folder with files, and gives its output; ok tells whether it
// ended well.
func openssl(t *testing.T, files map[string][]byte, args ...string) (out []byte, ok bool) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("openssl is not installed")
	}
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.CommandContext(t.Context(), "openssl", args...)
	c.Dir = dir
	out, err := c.Output()
	if exit, failed := errors.AsType[*exec.ExitError](err); failed {
		t.Logf("openssl: %s", exit.Stderr)
		return out, false
	}
	if err != nil {
		t.Fatal(err)
	}
	return out, true
}

func armour(t *testing.T, kind, prefix string, key []byte) []byte {
	t.Helper()
	der, err := hex.DecodeString(prefix)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: append(der, key...)})
}

// opensslHolds asks openssl for its opinion of a signature.
func opensslHolds(t *testing.T, key ed25519.PublicKey, message, signature []byte) bool {
	t.Helper()
	_, ok := openssl(t, map[string][]byte{
		"key.pem": armour(t, "PUBLIC KEY", spkiPrefix, key), "message": message, "signature": signature,
	}, "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "message", "-sigfile", "signature")
	return ok
}

// The text of docs/swarm-protocol.md, followed by hand: names are shorter than 64
// bytes, so their lengths take one.
func signedByHand(body []byte) []byte {
	b := []byte("freshet beacon 1\x00")
	b = append(append(b, byte(len(namespace))), namespace...)
	b = append(append(b, byte(len(track))), track...)
	return append(b, body...)
}

func certifiedByHand(c beacon.Certificate) []byte {
	b := []byte("freshet swarm key 1\x00")
	b = append(append(b, byte(len(namespace))), namespace...)
	b = append(b, c.Key...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.NotBefore))
	b = binary.BigEndian.AppendUint64(b, uint64(c.NotAfter))
	return binary.BigEndian.AppendUint64(b, c.MinGroup)
}

// openssl, told by hand what is signed, finds our signatures and hashes right, and
// none of them after a change.
func TestOpenSSLVerifiesOurs(t *testing.T) {
	c := newChunk(4, 9, 1000, 300).signed(t)
	body, signature := c.raw[:len(c.raw)-64], c.raw[len(c.raw)-64:]
	if !opensslHolds(t, public(sessionKey), signedByHand(body), signature) {
		t.Error("the beacon's signature does not hold")
	}
	if opensslHolds(t, public(sessionKey), signedByHand(spoilt(body)), signature) {
		t.Error("a changed beacon's signature holds")
	}
	certificate := certificate(sessionKey)
	if !opensslHolds(t, public(streamKey), certifiedByHand(certificate), certificate.Signature) {
		t.Error("the certificate's signature does not hold")
	}
	for i, piece := range c.pieces {
		sum, ok := openssl(t, map[string][]byte{"piece": piece}, "dgst", "-sha256", "-binary", "piece")
		if !ok || !bytes.Equal(sum, c.beacon.Hashes[i][:]) || !bytes.Contains(body, sum) {
			t.Errorf("openssl hashes piece %d to %x", i, sum)
		}
	}
	id, ok := openssl(t, map[string][]byte{"key": public(sessionKey)}, "dgst", "-sha256", "-binary", "key")
	if !ok || !bytes.Equal(id[:4], body[1:5]) {
		t.Errorf("the key's name is %x, the beacon says %x", id[:4], body[1:5])
	}
}

// A beacon and a certificate that openssl signed count.
func TestWeVerifyOpenSSL(t *testing.T) {
	sign := func(key ed25519.PrivateKey, message []byte) []byte {
		out, ok := openssl(t, map[string][]byte{"key.pem": armour(t, "PRIVATE KEY", pkcs8Prefix, key.Seed()), "message": message},
			"pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-in", "message")
		if !ok {
			t.Fatal("openssl does not sign")
		}
		return out
	}
	stream, session := seeded(21), seeded(22)
	at := epoch.UnixMilli()
	certificate := beacon.Certificate{Key: public(session), NotBefore: at, NotAfter: at + 1, MinGroup: group}
	certificate.Signature = sign(stream, certifiedByHand(certificate))
	v := beacon.NewVerifier(beacon.Config{Namespace: namespace, Track: track, Delay: delay})
	if err := v.SetKeys(&beacon.Keys{StreamKey: public(stream), Certificates: []beacon.Certificate{certificate}}); err != nil {
		t.Fatal(err)
	}
	c := newChunk(0, 0, 1000, 300)
	c.beacon.Key = beacon.KeyIDOf(public(session))
	raw, err := c.beacon.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	body := raw[:len(raw)-64]
	if _, _, err := v.Add(epoch, append(body, sign(session, signedByHand(body))...)); err != nil {
		t.Fatal(err)
	}
	if err := v.Piece(swarm.PieceID{Group: group, N: 1}, c.pieces[1]); err != nil {
		t.Error(err)
	}
}

// The keys of RFC 8032, section 7.1, TEST 1 and 2: the public halves are the RFC's,
// and its signature of the empty message is what a certificate would be checked by.
func TestRFC8032Keys(t *testing.T) {
	for _, v := range []struct{ seed, public, message, signature string }{
		{
			"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
			"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
			"",
			"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
		},
		{
			"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
			"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
			"72",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
		},
	} {
		seed, _ := hex.DecodeString(v.seed)
		key := ed25519.NewKeyFromSeed(seed)
		if got := hex.EncodeToString(public(key)); got != v.public {
			t.Errorf("public key %s, the RFC says %s", got, v.public)
		}
		message, _ := hex.DecodeString(v.message)
		if got := hex.EncodeToString(ed25519.Sign(key, message)); got != v.signature {
			t.Errorf("signature %s, the RFC says %s", got, v.signature)
		}
		a := beacon.NewAuthority(key, namespace)
		if got := hex.EncodeToString(a.Keys().StreamKey); got != v.public {
			t.Errorf("stream key %s, the RFC says %s", got, v.public)
		}
	}
}
