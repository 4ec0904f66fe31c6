package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// maxToken bounds what is parsed.
	maxToken = 4 << 10
	// leeway is what the issuer's clock may be ahead of ours. It makes no token live
	// longer.
	leeway = 30 * time.Second
	// maxRemembered is how many good tokens are known by their hash, so that a
	// player's every request costs no signature check. 200 bytes each.
	maxRemembered = 4096
)

// parser checks form and signature; times and audience are checked by Claims.valid
// each time, which is cheap.
var parser = jwt.NewParser(jwt.WithValidMethods(algorithms), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())

// verifier knows good tokens from others.
type verifier struct {
	keys     *ring
	remote   *remote // nil without a URL.
	audience string

	mu    sync.Mutex
	known map[[sha256.Size]byte]remembered // Guarded by mu.
}

// remembered is a token whose signature is good as long as the keys are the same.
type remembered struct {
	claims *Claims
	keys   *keySet
}

// verify gives what a token says, if it counts now. The error is an Error.
func (v *verifier) verify(ctx context.Context, token string) (*Claims, error) {
	c, err := v.signed(token)
	if isReason(err, WrongKey) && v.remote != nil {
		// The key may be new.
		v.remote.ask(ctx)
		c, err = v.signed(token)
	}
	if err != nil {
		return nil, err
	}
	return c, c.valid(time.Now(), v.audience)
}

// signed checks all that does not depend on the time.
func (v *verifier) signed(token string) (*Claims, error) {
	if len(token) > maxToken {
		return nil, &Error{Malformed, fmt.Sprintf("the token has more than %d bytes", maxToken)}
	}
	hash, keys := sha256.Sum256([]byte(token)), v.keys.current()
	v.mu.Lock()
	known := v.known[hash]
	v.mu.Unlock()
	if known.keys == keys {
		return known.claims, nil
	}
	c, err := parse(token, *keys)
	if err != nil {
		return nil, err
	}
	v.remember(hash, remembered{c, keys})
	return c, nil
}

func (v *verifier) remember(hash [sha256.Size]byte, r remembered) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.known == nil {
		v.known = make(map[[sha256.Size]byte]remembered)
	}
	for old := range v.known {
		if len(v.known) < maxRemembered {
			break
		}
		delete(v.known, old)
	}
	v.known[hash] = r
}

// parse reads a token that one of the keys has signed.
func parse(token string, keys keySet) (*Claims, error) {
	var c Claims
	_, err := parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		if _, ok := t.Header["crit"]; ok {
			// RFC 7515, section 4.1.11: we know none of the extensions.
			return nil, &Error{Malformed, "the token needs an extension (crit)"}
		}
		id, _ := t.Header["kid"].(string)
		candidates := keys.candidates(t.Method.Alg(), id)
		if len(candidates.Keys) == 0 {
			return nil, &Error{WrongKey, fmt.Sprintf("no key is known for the token (%s, key ID %s)", t.Method.Alg(), quote(id))}
		}
		return candidates, nil
	})
	if refused, ok := errors.AsType[*Error](err); ok {
		return nil, refused
	}
	switch {
	case err == nil:
		return &c, nil
	case errors.Is(err, jwt.ErrTokenMalformed):
		return nil, &Error{Malformed, "the token is no signed JSON Web Token"}
	case errors.Is(err, jwt.ErrTokenUnverifiable), !slices.Contains(algorithms, headerAlgorithm(token)):
		return nil, &Error{Malformed, fmt.Sprintf("the token is signed with none of %v", algorithms)}
	}
	return nil, &Error{WrongKey, "the token is not signed by a key of this gateway"}
}

// headerAlgorithm is what an unverified token names.
func headerAlgorithm(token string) string {
	t, _, err := parser.ParseUnverified(token, &Claims{})
	if err != nil {
		return ""
	}
	return t.Method.Alg()
}

// valid checks what depends on the time, and for whom the token is.
func (c *Claims) valid(now time.Time, audience string) error {
	switch {
	case c.ExpiresAt == nil:
		return &Error{Malformed, "the token never expires (exp is missing)"}
	case !now.Before(c.ExpiresAt.Time):
		return &Error{Expired, "the token expired at " + c.ExpiresAt.UTC().Format(time.RFC3339)}
	case c.NotBefore != nil && c.NotBefore.After(now.Add(leeway)):
		return &Error{NotYetValid, "the token is not valid before " + c.NotBefore.UTC().Format(time.RFC3339)}
	case c.IssuedAt != nil && c.IssuedAt.After(now.Add(leeway)):
		return &Error{NotYetValid, "the token was issued in the future; the clocks differ"}
	case audience != "" && !slices.Contains(c.Audience, audience):
		return &Error{WrongAudience, "the token is not for " + quote(audience) + " (aud)"}
	}
	return nil
}

func isReason(err error, r Reason) bool {
	refused, ok := errors.AsType[*Error](err)
	return ok && refused.Reason == r
}

// maxQuoted bounds what a peer's words take of a text.
const maxQuoted = 128

func quote(s string) string {
	if len(s) > maxQuoted {
		return fmt.Sprintf("%.*q...", maxQuoted, s)
	}
	return fmt.Sprintf("%q", s)
}
