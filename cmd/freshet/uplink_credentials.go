package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"time"

	"github.com/freshet-live/freshet/configs"
)

// credentialsEvery is how often the files are looked at that show parents who we are.
const credentialsEvery = time.Second

// watchCredentials has the sessions with parents replaced when the token or the
// certificate in its file changes, until ctx ends: what a parent granted by the old one
// ends with it. A file that is gone, empty or half written changes nothing.
func (g *gateway) watchCredentials(ctx context.Context) error {
	c := g.cfg.Relay
	if c.TokenFile == "" && c.Cert == "" {
		return nil
	}
	certificate, _ := leafOf(c)
	ticker := time.NewTicker(credentialsEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		renew := g.takeToken(c.TokenFile)
		if leaf, err := leafOf(c); err == nil && !bytes.Equal(leaf, certificate) {
			certificate, renew = leaf, true
			g.log.Info("certificate for parents replaced", "file", c.Cert)
		}
		if renew {
			g.node.Uplink.Renew()
		}
	}
}

// takeToken takes the token in a file over; it tells whether it is another one.
func (g *gateway) takeToken(file string) bool {
	if file == "" {
		return false
	}
	token, err := readToken(file)
	if err != nil || token == *g.token.Load() {
		return false
	}
	g.token.Store(&token)
	g.log.Info("token for parents replaced", "file", file)
	return true
}

// readToken reads a file that holds a token.
func readToken(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	token := string(bytes.TrimSpace(text))
	if token == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	return token, nil
}

// leafOf is the certificate that parents are shown; nil without one.
func leafOf(c configs.Relay) ([]byte, error) {
	if c.Cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, err
	}
	return pair.Certificate[0], nil
}
