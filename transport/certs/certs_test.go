package certs_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/freshet-live/freshet/transport/certs"
)

const day = 24 * time.Hour

// start runs a Source in the bubble.
func start(t *testing.T, cfg certs.Config) *certs.Source {
	t.Helper()
	source, err := certs.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- source.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return source
}

func TestSelfMadeMeetsWebTransportRules(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	source, err := certs.New(certs.Config{Hosts: []string{"live.example", "192.0.2.7"}, Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	leaf := source.Certificate().Leaf
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life >= 14*day {
		t.Errorf("valid for %s, must be under 14 days", life)
	}
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		t.Errorf("public key is %T, want ECDSA P-256", leaf.PublicKey)
	}
	if leaf.Version != 3 {
		t.Errorf("X.509 version %d", leaf.Version)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "live.example", "192.0.2.7"} {
		if err := leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	gauge, err := testutil.GatherAndCount(reg, "freshet_cert_expiry_timestamp_seconds")
	if err != nil || gauge != 1 {
		t.Errorf("expiry metric: %d, %v", gauge, err)
	}
}

func TestRenewalOverlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := start(t, certs.Config{})
		first := source.Hash()
		step := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		step(10*day - 2*time.Hour)
		if len(source.Hashes()) != 1 {
			t.Fatal("the next certificate was made too early")
		}
		step(2 * time.Hour)
		hashes := source.Hashes()
		if len(hashes) != 2 || hashes[0] != first || source.Hash() != first {
			t.Fatalf("at 10 days: %d hashes, the first must still be served", len(hashes))
		}
		step(day)
		if source.Hash() != hashes[1] || len(source.Hashes()) != 1 {
			t.Fatal("after the overlap the certificate announced is not the one served")
		}
		// For months the one served is never near its end, and was announced.
		known := source.Hashes()
		for range 24 * 100 {
			step(time.Hour)
			if left := time.Until(source.Certificate().Leaf.NotAfter); left < day {
				t.Fatalf("%s left", left)
			}
			if !slices.Contains(known, source.Hash()) {
				t.Fatal("a certificate is served that was not announced an hour ago")
			}
			known = source.Hashes()
		}
	})
}

// Nodes that share a folder and start at the same time have one certificate, and one next.
func TestDirIsShared(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	now := time.Now()
	for _, age := range []time.Duration{0, 10 * day} {
		at := now.Add(age)
		sources := make([]*certs.Source, 8)
		var group sync.WaitGroup
		for i := range sources {
			group.Go(func() {
				var err error
				if sources[i], err = certs.New(certs.Config{Dir: dir, Now: func() time.Time { return at }}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		for _, s := range sources[1:] {
			if !slices.Equal(s.Hashes(), sources[0].Hashes()) {
				t.Fatalf("after %v: two nodes have other certificates", age)
			}
		}
	}
}

func TestDirKeepsHash(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	now := time.Now()
	open := func(hosts ...string) *certs.Source {
		t.Helper()
		source, err := certs.New(certs.Config{Dir: dir, Hosts: hosts, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		return source
	}
	first := open().Hash()
	if open().Hash() != first {
		t.Error("a restart changed the hash")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files: %v, %v", files, err)
	}
	if stat, err := os.Stat(files[0]); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("the key may be read: %v, %v", stat.Mode(), err)
	}

	now = now.Add(10 * day)
	hashes := open().Hashes()
	if len(hashes) != 2 || hashes[0] != first {
		t.Fatalf("at 10 days: %d hashes", len(hashes))
	}
	if !slices.Equal(open().Hashes(), hashes) {
		t.Error("a restart changed the next hash")
	}
	now = now.Add(day)
	for range 2 {
		if open().Hash() != hashes[1] {
			t.Error("a restart after the overlap did not take the next certificate")
		}
	}
	now = now.Add(30 * day)
	late := open()
	if !late.Certificate().Leaf.NotAfter.After(now) {
		t.Error("an expired certificate is served")
	}
	if open("other.example").Hash() == late.Hash() {
		t.Error("a certificate without the configured name is served")
	}
	if err := os.WriteFile(files[0], []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	open()
}

// writePair writes a self-made pair as an operator would have it.
func writePair(t *testing.T, dir string, notAfter time.Time) (der []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: notAfter, DNSNames: []string{"live.example"}}
	if der, err = x509.CreateCertificate(rand.Reader, template, template, key.Public(), key); err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", der)
	writePEM(t, filepath.Join(dir, "key.pem"), "PRIVATE KEY", keyDER)
	return der
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreSwapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		reg := prometheus.NewPedanticRegistry()
		serves := func(source *certs.Source, der []byte) bool {
			time.Sleep(5 * time.Second) // The time a swap may take.
			synctest.Wait()
			got, err := source.GetCertificate(nil)
			return err == nil && slices.Equal(got.Certificate[0], der)
		}
		first := writePair(t, dir, time.Now().Add(90*day))
		source := start(t, certs.Config{
			CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), Registerer: reg,
		})
		if source.SelfMade() || !serves(source, first) {
			t.Fatal("the given certificate is not served")
		}
		second := writePair(t, dir, time.Now().Add(90*day))
		if !serves(source, second) {
			t.Fatal("the new pair is not served")
		}
		bad := map[string]func(){
			"a certificate without its key": func() {
				key, err := os.ReadFile(filepath.Join(dir, "key.pem"))
				if err != nil {
					t.Fatal(err)
				}
				writePair(t, dir, time.Now().Add(90*day))
				if err := os.WriteFile(filepath.Join(dir, "key.pem"), key, 0o600); err != nil {
					t.Fatal(err)
				}
			},
			"an expired one": func() { writePair(t, dir, time.Now().Add(-time.Hour)) },
			"no file":        func() { _ = os.Remove(filepath.Join(dir, "cert.pem")) },
		}
		for name, change := range bad {
			change()
			if !serves(source, second) {
				t.Errorf("%s took the place of the good one", name)
			}
		}
		if third := writePair(t, dir, time.Now().Add(90*day)); !serves(source, third) {
			t.Error("the source did not recover")
		}
	})
}

func TestCheck(t *testing.T) {
	now := time.Now()
	source, err := certs.New(certs.Config{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		after time.Duration
		valid bool
	}{{0, true}, {12 * day, true}, {13 * day, false}, {-2 * time.Hour, false}} {
		start := now
		now = now.Add(tt.after)
		if err := source.Check(); (err == nil) != tt.valid {
			t.Errorf("%s later: %v", tt.after, err)
		}
		now = start
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	writePair(t, dir, time.Now().Add(-time.Hour))
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, cfg := range map[string]certs.Config{
		"expired":       {CertFile: cert, KeyFile: key},
		"no key":        {CertFile: cert},
		"missing files": {CertFile: cert + "x", KeyFile: key},
		"bad folder":    {Dir: cert},
	} {
		if _, err := certs.New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPinned(t *testing.T) {
	source, err := certs.New(certs.Config{})
	if err != nil {
		t.Fatal(err)
	}
	other, err := certs.New(certs.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: source.GetCertificate})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).Handshake()
			_ = conn.Close()
		}
	}()
	if _, err := tls.Dial("tcp", ln.Addr().String(), certs.Pinned(other.Hash())); !errors.Is(err, certs.ErrHash) {
		t.Errorf("another hash: %v", err)
	}
	conn, err := tls.Dial("tcp", ln.Addr().String(), certs.Pinned(other.Hash(), source.Hash()))
	if err != nil {
		t.Fatalf("the right hash: %v", err)
	}
	_ = conn.Close()
}
