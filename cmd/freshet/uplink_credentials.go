package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"
)

// tokenEvery is how often the file of the uplink's token is looked at.
const tokenEvery = time.Second

// watchToken has the sessions with parents replaced when the token in the file
// changes, until ctx ends. A file that is gone or empty changes nothing.
func (g *gateway) watchToken(ctx context.Context) error {
	file := g.cfg.Relay.TokenFile
	if file == "" {
		return nil
	}
	ticker := time.NewTicker(tokenEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		if token, err := readToken(file); err == nil && token != *g.token.Load() {
			g.token.Store(&token)
			g.log.Info("token for parents replaced", "file", file)
			g.node.Uplink.Renew()
		}
	}
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
