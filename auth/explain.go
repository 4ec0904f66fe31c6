package auth

import (
	"context"
	"fmt"
	"time"
)

// Explanation is what there is to say of a token.
type Explanation struct {
	// Claims are what it says, whoever signed it; nil when it cannot be read.
	Claims           *Claims
	Algorithm, KeyID string
	// Signature is nil when one of the keys has made it; Validity is nil when the
	// token counts now. Both are set when the token cannot be read.
	Signature, Validity error
}

// Explain reads a token whether it counts or not.
func (g *Guard) Explain(ctx context.Context, token string) Explanation {
	var e Explanation
	if len(token) > maxToken {
		e.Signature = &Error{Malformed, fmt.Sprintf("the token has more than %d bytes", maxToken)}
		e.Validity = e.Signature
		return e
	}
	var c Claims
	t, _, err := parser.ParseUnverified(token, &c)
	if err != nil {
		e.Signature = &Error{Malformed, "the token is no signed JSON Web Token: " + err.Error()}
		e.Validity = e.Signature
		return e
	}
	e.Claims, e.Algorithm = &c, t.Method.Alg()
	e.KeyID, _ = t.Header["kid"].(string)
	e.Validity = c.valid(time.Now(), g.cfg.Audience)
	if g.verifier.remote != nil {
		e.Signature = g.verifier.remote.fetch(ctx)
	}
	if e.Signature == nil {
		_, e.Signature = g.verifier.signed(token)
	}
	return e
}
