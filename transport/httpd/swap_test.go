package httpd_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/httpd"
	"github.com/freshet-live/freshet/transport/quicconn"
)

// TestCertificateSwapUnderLoad: while handshakes over TCP and QUIC never pause,
// the files are replaced again and again; none fails, and the last pair is the
// one served.
func TestCertificateSwapUnderLoad(t *testing.T) {
	t.Parallel()
	const swaps = 3
	dir := t.TempDir()
	writePair(t, dir, 1)
	source, err := certs.New(certs.Config{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { _ = source.Run(ctx) })
	n := startNode(t, func(cfg *httpd.Config) { cfg.Certs = source })

	trusting := &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true}
	var handshakes, newest atomic.Int64
	for name, shake := range map[string]func() (*x509.Certificate, error){
		"tcp": func() (*x509.Certificate, error) {
			dialer := tls.Dialer{Config: trusting, NetDialer: &net.Dialer{Timeout: 5 * time.Second}}
			conn, err := dialer.DialContext(ctx, "tcp", n.HTTPSAddr().String())
			if err != nil {
				return nil, err
			}
			defer conn.Close()
			return conn.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
		},
		"quic": func() (*x509.Certificate, error) {
			conn, err := quicconn.Dial(ctx, n.HTTPSAddr().String(), trusting, []string{"moqt-18"}, nil)
			if err != nil {
				return nil, err
			}
			<-n.conns
			return nil, conn.CloseWithError(0, "")
		},
	} {
		running.Go(func() {
			for ctx.Err() == nil {
				leaf, err := shake()
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					t.Errorf("%s: a handshake failed: %v", name, err)
					return
				}
				handshakes.Add(1)
				if leaf != nil {
					newest.Store(leaf.SerialNumber.Int64())
				}
			}
		})
	}
	for serial := int64(2); serial < 2+swaps; serial++ {
		writePair(t, dir, serial)
		deadline := time.Now().Add(5 * time.Second) // What rotation may take.
		for newest.Load() != serial {
			if time.Now().After(deadline) {
				t.Fatalf("certificate %d is not served after 5 s, %d is", serial, newest.Load())
			}
			time.Sleep(10 * time.Millisecond) // The files are looked at by the real clock.
		}
	}
	t.Logf("%d handshakes over %d swaps", handshakes.Load(), swaps)
}

func writePair(t *testing.T, dir string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
