package rtsp

import (
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

func TestReadCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		header, query string
		want          credentials
	}{
		"none":           {"", "", credentials{}},
		"basic":          {"Basic dXNlcjpwYXNz", "", credentials{"user", "pass"}},
		"token alone":    {"Basic OnRvaw==", "", credentials{"", "tok"}},
		"bearer":         {"bearer abc.def", "", credentials{"", "abc.def"}},
		"query":          {"", "token=abc&x=1", credentials{"", "abc"}},
		"jwt":            {"", "jwt=abc", credentials{"", "abc"}},
		"header first":   {"Basic dXNlcjpwYXNz", "token=abc", credentials{"user", "pass"}},
		"digest":         {`Digest username="u", realm="r", nonce="n", uri="/", response="0"`, "", credentials{}},
		"broken header":  {"Basic !!!", "token=abc", credentials{"", "abc"}},
		"broken query":   {"", "token=%zz", credentials{}},
		"digest + query": {`Digest username="u", realm="r", nonce="n", uri="/", response="0"`, "token=abc", credentials{"", "abc"}},
	} {
		req := &base.Request{Header: base.Header{}}
		if c.header != "" {
			req.Header["Authorization"] = base.HeaderValue{c.header}
		}
		if got := readCredentials(req, c.query); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestRedactor(t *testing.T) {
	u, err := base.ParseURL("rtsp://admin:h%40sh@camera/a?token=abc")
	if err != nil {
		t.Fatal(err)
	}
	got := redactor(u).Replace("dial rtsp://admin:h%40sh@camera/a?token=abc: password h@sh or h%40sh")
	if want := "dial rtsp://[redacted]@camera/a?[redacted]: password [redacted] or [redacted]"; got != want {
		t.Errorf("%s", got)
	}
}
