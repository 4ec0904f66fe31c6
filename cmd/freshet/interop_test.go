package main

import (
	"strings"
	"testing"
)

// What the runner asks of a client beside its cases.
func TestInteropClient(t *testing.T) {
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"interop", "-t", "unheard-of"}, &out, &errs); code != 127 {
		t.Errorf("exit %d for a case that is not there", code)
	}
	if code := run(t.Context(), []string{"interop", "--list"}, &out, &errs); code != 0 || !strings.HasPrefix(out.String(), "setup-only\nannounce-only\n") {
		t.Errorf("exit %d, list %q", code, out.String())
	}
	out.Reset()
	t.Setenv("RELAY_URL", "moqt://127.0.0.1:1")
	t.Setenv("TESTCASE", "setup-only")
	if code := run(t.Context(), []string{"interop", "--tls-disable-verify"}, &out, &errs); code != 1 || !strings.Contains(out.String(), "\n1..1\nnot ok 1 - setup-only\n  ---\n") {
		t.Errorf("exit %d, %s", code, out.String())
	}
}
