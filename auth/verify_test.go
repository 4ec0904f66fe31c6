package auth_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/freshet-live/freshet/auth"
)

// A token that openssl has signed, good until the year 2100: root live, put cam1, get "".
const (
	opensslKey = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAabGwOiRdUNYgUYR4QtKsteDurVxKGInSJrtyn92yNLQ=
-----END PUBLIC KEY-----
`
	opensslToken = "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJyb290IjoibGl2ZSIsInB1dCI6ImNhbTEiLCJnZXQiOlsiIl0sImV4cCI6NDEwMjQ0NDgwMH0." +
		"y7z8Z1NQsVk_0O0NQhYY2lbs9Sb-1Bd1zGQRqxdNSINlF1NOPneOOsx3UD-5MW_N3wyn9uB2ZpNK6m2D4WOZDg"
)

// What others have signed: RFC 7515 (appendices A.2 and A.3, which expired in 2011) and
// moq-dev's token tool (which sets no end).
const (
	rfcES256Key = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	rfcES256    = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ." +
		"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	rfcRS256Key = `{"keys":[{"kty":"oct","k":"c2VjcmV0"},{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}]}`
	rfcRS256    = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ." +
		"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
	moqKey = `{"alg":"EdDSA","key_ops":["verify"],"kty":"OKP","crv":"Ed25519","x":"S9n3tEG677fSNpa0Ftf46OPBte5y1pTwvm4fPkEw_Z8","kid":"dfab9113ea85dc27"}`
	moq    = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSIsImtpZCI6ImRmYWI5MTEzZWE4NWRjMjcifQ.eyJyb290Ijoicm9vbSIsInB1dCI6WyJzdHJlYW0xIiwic3RyZWFtMiJdLCJnZXQiOlsiZmVlZDEiXX0." +
		"jezhAgTHQHdYkc15CBZP8zPKKJ0z5oVRwON4wPHeQ6xvIhoM5IkCs_4YRCEoG74t99pdVTQrwAMNrlfKm2O6DA"
)

// guard takes tokens of the keys in text.
func guard(t *testing.T, text string, cfg auth.Config) *auth.Guard {
	t.Helper()
	cfg.KeyFile = filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(cfg.KeyFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := auth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// reason is why g refuses a token to watch a path; empty when it does not.
func reason(t *testing.T, g *auth.Guard, path, token string) auth.Reason {
	t.Helper()
	_, err := g.Judge(context.Background(), auth.Request{Door: "test", Action: auth.Subscribe, Path: path, Token: token})
	if err == nil {
		return ""
	}
	refused, ok := errors.AsType[*auth.Error](err)
	if !ok {
		t.Fatalf("%v is no refusal", err)
	}
	return refused.Reason
}

func TestForeignTokens(t *testing.T) {
	for _, tt := range []struct {
		name, keys, token string
		want              auth.Reason // Of a token whose signature is good.
	}{
		{"openssl", opensslKey, opensslToken, ""},
		{"RFC 7515, ES256", rfcES256Key, rfcES256, auth.Expired},
		{"RFC 7515, RS256", rfcRS256Key, rfcRS256, auth.Expired},
		{"moq-dev", moqKey, moq, auth.Malformed},
		{"of another key", moqKey, opensslToken, auth.WrongKey},
		{"of another type", rfcES256Key, rfcRS256, auth.WrongKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := guard(t, tt.keys, auth.Config{})
			if got := reason(t, g, "live/cam1", tt.token); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			e := g.Explain(t.Context(), tt.token)
			if (e.Signature == nil) != (tt.want != auth.WrongKey) || e.Claims == nil {
				t.Errorf("explained as %+v", e)
			}
		})
	}
	e := guard(t, moqKey, auth.Config{}).Explain(t.Context(), moq)
	if err := e.Claims.Allow(auth.Publish, "room/stream2/x"); err != nil {
		t.Error(err)
	}
}

// minter signs whatever the test makes up.
type minter struct {
	t       *testing.T
	private ed25519.PrivateKey
	public  string
}

func newMinter(t *testing.T) *minter {
	t.Helper()
	text, public, err := auth.GenerateKey("EdDSA")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return &minter{t: t, private: key.(ed25519.PrivateKey), public: string(public)}
}

func (m *minter) token(header map[string]any, claims jwt.MapClaims) string {
	m.t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	maps.Copy(token.Header, header)
	text, err := token.SignedString(m.private)
	if err != nil {
		m.t.Fatal(err)
	}
	return text
}

func TestWhatCountsAsToken(t *testing.T) {
	m := newMinter(t)
	now := time.Now().Unix()
	hour := now + 3600
	hs, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"exp": hour, "get": ""}).SignedString([]byte(m.public))
	if err != nil {
		t.Fatal(err)
	}
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"exp": hour, "get": ""}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	good := m.token(nil, jwt.MapClaims{"exp": hour, "get": "live", "aud": []string{"us", "them"}})
	tests := []struct {
		name, token string
		want        auth.Reason
	}{
		{"good", good, ""},
		{"none", "", auth.NoToken},
		{"no token at all", "hello", auth.Malformed},
		{"encrypted", strings.Repeat("eyJhbGciOiJkaXIifQ.", 4) + "x", auth.Malformed},
		{"unsigned", none, auth.Malformed},
		{"the public key as secret", hs, auth.Malformed},
		{"signature cut", good[:len(good)-4], auth.Malformed},
		{"of somebody else", newMinter(t).token(nil, jwt.MapClaims{"exp": hour, "get": "", "aud": "us"}), auth.WrongKey},
		{"trailing bits", good[:len(good)-1] + "B", auth.Malformed},
		{"an extension", m.token(map[string]any{"crit": []string{"b64"}}, jwt.MapClaims{"exp": hour, "get": "", "aud": "us"}), auth.Malformed},
		{"too long", m.token(nil, jwt.MapClaims{"exp": hour, "get": "", "aud": "us", "x": strings.Repeat("x", 4096)}), auth.Malformed},
		{"without an end", m.token(nil, jwt.MapClaims{"get": "", "aud": "us"}), auth.Malformed},
		{"an end that is no number", m.token(nil, jwt.MapClaims{"exp": "never", "get": "", "aud": "us"}), auth.Malformed},
		{"just expired: no leeway", m.token(nil, jwt.MapClaims{"exp": now - 1, "get": "", "aud": "us"}), auth.Expired},
		{"issued by a fast clock", m.token(nil, jwt.MapClaims{"exp": hour, "iat": now + 20, "nbf": now + 20, "get": "", "aud": "us"}), ""},
		{"issued in the future", m.token(nil, jwt.MapClaims{"exp": hour, "iat": now + 60, "get": "", "aud": "us"}), auth.NotYetValid},
		{"not yet", m.token(nil, jwt.MapClaims{"exp": hour, "nbf": now + 60, "get": "", "aud": "us"}), auth.NotYetValid},
		{"for others", m.token(nil, jwt.MapClaims{"exp": hour, "get": "", "aud": "them"}), auth.WrongAudience},
		{"for nobody", m.token(nil, jwt.MapClaims{"exp": hour, "get": ""}), auth.WrongAudience},
		{"claims that are no object", m.token(nil, nil), auth.Malformed},
		{"paths that are none", m.token(nil, jwt.MapClaims{"exp": hour, "get": 7, "aud": "us"}), auth.Malformed},
		{"a key ID of nobody", m.token(map[string]any{"kid": "x"}, jwt.MapClaims{"exp": hour, "get": "", "aud": "us"}), ""},
	}
	g := guard(t, m.public, auth.Config{Audience: "us"})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // The second time it may be remembered.
				if got := reason(t, g, "live/cam1", tt.token); got != tt.want {
					t.Errorf("%q, want %q", got, tt.want)
				}
			}
		})
	}
}

// A path grants itself and what is below it, element by element.
func TestPaths(t *testing.T) {
	for _, tt := range []struct {
		root  string
		get   auth.Paths
		path  string
		watch bool
		told  bool // Of what is below path.
	}{
		{"", auth.Paths{""}, "live/cam1", true, true},
		{"", auth.Paths{}, "live/cam1", false, false},
		{"live", auth.Paths{""}, "live/cam1", true, true},
		{"live", auth.Paths{""}, "live", true, true},
		{"live", auth.Paths{""}, "lively", false, false},
		{"live", auth.Paths{""}, "", false, true},
		{"/live/", auth.Paths{"//cam1/"}, "live/cam1/x", true, true},
		{"live", auth.Paths{"cam1"}, "live/cam2", false, false},
		{"live", auth.Paths{"cam1"}, "live", false, true},
		{"live", auth.Paths{"x", "cam2"}, "live/cam2", true, true},
	} {
		c := auth.Claims{Root: tt.root, Get: tt.get, Put: auth.Paths{"other"}}
		if err := c.Allow(auth.Subscribe, tt.path); (err == nil) != tt.watch {
			t.Errorf("%q %q watches %q: %v", tt.root, tt.get, tt.path, err)
		}
		if err := c.Allow(auth.Discover, tt.path); (err == nil) != tt.told {
			t.Errorf("%q %q is told of %q: %v", tt.root, tt.get, tt.path, err)
		}
		if err := c.Allow(auth.Publish, tt.path); err == nil {
			t.Errorf("%q %q publishes %q", tt.root, tt.get, tt.path)
		}
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	private, _, err := auth.GenerateKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing":        "",
		"a private key":  string(private),
		"symmetric":      `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`,
		"no curve":       strings.Replace(rfcES256Key, "P-256", "P-521", 1),
		"off the curve":  strings.Replace(rfcES256Key, "f83OJ", "f83OK", 1),
		"for encryption": strings.Replace(moqKey, `"kty"`, `"use":"enc","kty"`, 1),
		"short RSA":      `{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTY"}`,
		"huge":           `{"keys":[` + strings.Repeat(" ", 300<<10) + "]}",
		"many":           strings.Repeat(opensslKey, 33),
	} {
		file := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := auth.New(auth.Config{KeyFile: file}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
