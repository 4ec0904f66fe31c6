package main

import (
	"context"
	"crypto/ed25519"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A key that was made is the same after a restart, and nobody else may read it.
func TestStreamKeyIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	first, err := streamKey("", dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := streamKey("", dir)
	if err != nil || !first.Equal(again) {
		t.Errorf("another key after a restart, %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, streamKeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file %v, %v", info, err)
	}
	other, err := streamKey("", "")
	if err != nil || first.Equal(other) {
		t.Errorf("without a folder: the same key, %v", err)
	}
	// A file that is spoilt is not replaced: viewers may have pinned the key.
	if err := os.WriteFile(filepath.Join(dir, streamKeyFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if key, err := streamKey("", dir); err == nil {
		t.Errorf("a spoilt file gives %x", key)
	}
}

// The key of a file is what openssl makes, and openssl agrees about its public half.
func TestStreamKeyOfOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("openssl is not installed")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "key.pem")
	openssl := func(args ...string) []byte {
		t.Helper()
		out, err := exec.CommandContext(context.Background(), "openssl", args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	openssl("genpkey", "-algorithm", "ed25519", "-out", file)
	key, err := streamKey(file, dir)
	if err != nil {
		t.Fatal(err)
	}
	der := openssl("pkey", "-in", file, "-pubout", "-outform", "DER")
	if public := key.Public().(ed25519.PublicKey); !strings.HasSuffix(string(der), string(public)) { //nolint:forcetypeassert // It is an Ed25519 key.
		t.Errorf("public key %x, openssl says %x", public, der)
	}
	rsa := filepath.Join(dir, "rsa.pem")
	openssl("genpkey", "-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", rsa)
	for _, bad := range []string{rsa, filepath.Join(dir, "none.pem"), os.DevNull} {
		if _, err := streamKey(bad, ""); err == nil {
			t.Errorf("%s gives a key", bad)
		}
	}
}
