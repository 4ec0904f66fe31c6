package e2e_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
)

// freshetTool runs a subcommand of the gateway's binary.
func freshetTool(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(binary, args...).Output()
	if err != nil {
		t.Fatalf("freshet %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}

// writeCA makes a certificate of somebody who certifies relays.
func writeCA(t *testing.T, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Our page plays with the token in its address, over MoQ and LL-HLS, from a gateway
// that asks encoders and viewers for one, and relays for a certificate.
func TestOurPageWithToken(t *testing.T) {
	beside(t)
	rig.Need(t, "ffmpeg", "node", "chromium")
	keys := filepath.Join(t.TempDir(), "issuer")
	freshetTool(t, "token", "key", keys)
	// A browser is asked for a certificate of relays, and has none.
	writeCA(t, keys+".ca")
	gateway := startGateway(t, rig.GatewayConfig{
		More: "auth:\n  keys: " + keys + ".pem\n  relays:\n    ca: " + keys + ".ca\n",
	})
	const path = "live/guarded"
	publish := freshetTool(t, "token", "mint", "--key", keys+".key", "--put", path)
	watch := freshetTool(t, "token", "mint", "--key", keys+".key", "--get", path)
	source, err := rig.StartFFmpeg(context.Background(), artifactDir(t),
		rig.Target{Gateway: gateway, StreamID: "publish:" + path + "?token=" + publish}, small, rig.Encoding{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Stop()
	for transport, query := range map[string]string{"moq": "", "hls": "&transport=hls"} {
		t.Run(transport, func(t *testing.T) {
			page := ourPage(gateway, path, watchFor(false))
			page.URL += "?token=" + watch + query
			seen := look(t, page)
			report(t, seen)
			plays(t, seen)
			if stats := ourStats(t, seen); stats.Transport != transport {
				t.Errorf("our page plays by %q", stats.Transport)
			}
		})
	}
}
