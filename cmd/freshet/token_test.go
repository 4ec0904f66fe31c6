package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// freshet runs a command line.
func freshet(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr strings.Builder
	code = run(t.Context(), args, &stdout, &stderr)
	return code, strings.TrimSpace(stdout.String()), stderr.String()
}

func TestTokensFromTheCommandLine(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "issuer")
	if code, _, errs := freshet(t, "token", "key", name, "--alg", "ES256"); code != 0 {
		t.Fatal(errs)
	}
	if info, err := os.Stat(name + ".key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the private key: %v, %v", info, err)
	}
	if code, _, errs := freshet(t, "token", "key", name); code == 0 || !strings.Contains(errs, "exists") {
		t.Errorf("a key is overwritten: %s", errs)
	}
	code, token, errs := freshet(t, "token", "mint", "--key", name+".key", "--root", "live", "--put", "cam1", "--get=", "--audience", "us", "--kid", "k")
	if code != 0 {
		t.Fatal(errs)
	}
	explain := func(args ...string) (int, string) {
		code, out, _ := freshet(t, append([]string{"token", "explain", token, "--keys", name + ".pem"}, args...)...)
		return code, out
	}
	for _, tt := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"what it grants", nil, 0, []string{"may publish live/cam1 and below", "may watch   live and below", "expires     20", "by one of the keys", "key ID      k"}},
		{"a path it covers", []string{"--publish", "live/cam1", "--subscribe", "live/x", "--audience", "us"}, 0, []string{"may publish live/cam1", "may watch live/x"}},
		{"a path it does not", []string{"--publish", "live/cam2"}, 1, []string{`publish     NO: the token does not cover "live/cam2"; it is good to publish below live/cam1`}},
		{"another audience", []string{"--audience", "them"}, 1, []string{`valid       NO: the token is not for "them"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out := explain(tt.args...)
			if code != tt.code {
				t.Errorf("exit %d", code)
			}
			for _, part := range tt.want {
				if !strings.Contains(out, part) {
					t.Errorf("%q is not in\n%s", part, out)
				}
			}
		})
	}
	other := filepath.Join(t.TempDir(), "other")
	if code, _, errs := freshet(t, "token", "key", other); code != 0 {
		t.Fatal(errs)
	}
	if code, out, _ := freshet(t, "token", "explain", token, "--keys", other+".pem"); code != 1 || !strings.Contains(out, "signature   NO") {
		t.Errorf("exit %d of a token of another key\n%s", code, out)
	}
	if code, out, _ := freshet(t, "token", "explain", "hello"); code != 1 || !strings.Contains(out, "no signed JSON Web Token") {
		t.Errorf("exit %d of no token\n%s", code, out)
	}
	for _, wrong := range [][]string{
		{"token", "mint", "--key", name + ".key"},
		{"token", "mint", "--key", name + ".pem", "--get", "x"},
		{"token", "mint", "--key", name + ".key", "--get", "x", "--for", "-1s"},
	} {
		if code, out, _ := freshet(t, wrong...); code == 0 {
			t.Errorf("%v gave %s", wrong, out)
		}
	}
}
