package rtsp

import (
	"net/url"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/headers"
)

// credentials are what a peer shows: user and password, where the password is
// the token, or a token alone.
type credentials struct{ user, token string }

func (c credentials) given() bool { return c != credentials{} }

// readCredentials looks into the Authorization header (RFC 7617, RFC 6750), then
// into the query for "token" and "jwt". A digest (RFC 7616) shows no password,
// so it counts for nothing.
func readCredentials(req *base.Request, query string) credentials {
	value := req.Header["Authorization"]
	if len(value) == 1 {
		if token, ok := cutPrefixFold(value[0], "Bearer "); ok {
			return credentials{token: strings.TrimSpace(token)}
		}
	}
	var header headers.Authorization
	if err := header.Unmarshal(value); err == nil && header.Method == headers.AuthMethodBasic {
		return credentials{header.Username, header.BasicPass}
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return credentials{}
	}
	if token := values.Get("token"); token != "" {
		return credentials{token: token}
	}
	return credentials{token: values.Get("jwt")}
}

func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
