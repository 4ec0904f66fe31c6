package auth

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Whatever a token is, it is judged without harm, and what counts has an end.
func FuzzToken(f *testing.F) {
	private, public, err := GenerateKey("EdDSA")
	if err != nil {
		f.Fatal(err)
	}
	set, err := parseKeys(public)
	if err != nil {
		f.Fatal(err)
	}
	good, err := Mint(private, "k", Claims{
		Get:              Paths{""},
		RegisteredClaims: jwt.RegisteredClaims{ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour))},
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		"", "..", "...", good, good + ".", good[:40], "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJFZERTQSJ9.bnVsbA.", "bnVsbA.bnVsbA.bnVsbA",
	} {
		f.Add(seed)
	}
	v := &verifier{keys: newRing()}
	v.keys.setFile(set)
	f.Fuzz(func(t *testing.T, token string) {
		c, err := v.verify(context.Background(), token)
		if (err == nil) != (token == good) {
			t.Errorf("%q: %v", token, err)
		}
		if err == nil && c.ExpiresAt == nil {
			t.Error("it never ends")
		}
	})
}

// The payload of a token that is signed by somebody who means no good.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"exp":1e300,"get":""}`, `{"exp":-1e18,"get":[]}`, `{"get":["a","b//c",""],"root":"/x/","put":null}`, `{"get":{"a":1}}`, `{"aud":["a"],"nbf":0}`,
	} {
		f.Add([]byte(seed), "live/cam1")
	}
	f.Fuzz(func(t *testing.T, text []byte, path string) {
		var c Claims
		if json.Unmarshal(text, &c) != nil {
			return
		}
		valid := c.valid(time.Now(), "")
		if valid == nil && !c.ExpiresAt.After(time.Now().Add(-time.Minute)) {
			t.Errorf("%s counts", text)
		}
		if c.Allow(Subscribe, path) == nil && c.Allow(Discover, path) != nil {
			t.Errorf("%s may watch %q and not be told of it", text, path)
		}
	})
}

func FuzzKeys(f *testing.F) {
	_, public, err := GenerateKey("ES256")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(public)
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"","y":""},null,1]}`))
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := parseKeys(text)
		if err == nil && (len(set) == 0 || len(set) > maxKeys) {
			t.Errorf("%d keys of %q", len(set), text)
		}
		for _, k := range set {
			if !k.equal(k) {
				t.Error("a key that is not itself")
			}
		}
	})
}
