package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/freshet-live/freshet/configs"
)

// streamKeyFile is where a key that was made is kept, in web.cert_dir.
const streamKeyFile = "swarm.key"

// newStreamKey is the key that stands for what is published here; nil where beacons
// are not signed. Mids and edges pass on what origins signed.
func (g *gateway) newStreamKey() (ed25519.PrivateKey, error) {
	if !g.cfg.Swarm.Enabled || g.cfg.Node.Tier != configs.TierOrigin {
		return nil, nil
	}
	key, err := streamKey(g.cfg.Swarm.Key, g.cfg.Web.CertDir)
	if err != nil {
		return nil, fmt.Errorf("swarm.key: %w", err)
	}
	if public, ok := key.Public().(ed25519.PublicKey); ok {
		g.log.Info("video is signed", "stream_key", base64.StdEncoding.EncodeToString(public))
	}
	return key, nil
}

// streamKey reads the key of file or, without one, makes a key that dir keeps.
func streamKey(file, dir string) (ed25519.PrivateKey, error) {
	if file != "" {
		return readStreamKey(file)
	}
	if dir == "" {
		_, key, err := ed25519.GenerateKey(nil)
		return key, err
	}
	path := filepath.Join(dir, streamKeyFile)
	key, err := readStreamKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	return makeStreamKey(path)
}

// readStreamKey takes PEM with a key in PKCS #8, as openssl genpkey writes it.
func readStreamKey(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("%s: no PRIVATE KEY in PEM (PKCS #8)", path)
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := private.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: a %T, not an Ed25519 key", path, private)
	}
	return key, nil
}

// makeStreamKey makes a key and keeps it. A power cut leaves none or all of it.
func makeStreamKey(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return nil, err
	}
	return key, os.Rename(path+".new", path)
}
