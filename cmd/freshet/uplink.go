package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/uplink"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// uplinkConfig is how parents are reached.
func (g *gateway) uplinkConfig() (uplink.Config, error) {
	c := g.cfg.Relay
	conf, err := parentTLS(c)
	if err != nil {
		return uplink.Config{}, err
	}
	token := c.Token.Reveal()
	if c.TokenFile != "" {
		if token, err = readToken(c.TokenFile); err != nil {
			return uplink.Config{}, fmt.Errorf("token: %w", err)
		}
	}
	g.token.Store(&token)
	drafts := make(map[string]int, len(c.Parents))
	for _, p := range c.Parents {
		drafts[p.URL] = p.Draft
	}
	return uplink.Config{
		Token: func() string { return *g.token.Load() }, Linger: c.Linger,
		Dial: func(ctx context.Context, url string) (moqt.Conn, error) {
			return dialMoQ(ctx, url, conf, protocolsOf(drafts[url]))
		},
	}, nil
}

func parents(c configs.Relay) []uplink.Parent {
	out := make([]uplink.Parent, len(c.Parents))
	for i, p := range c.Parents {
		out[i] = uplink.Parent{URL: p.URL, Cost: p.Cost}
	}
	return out
}

// nodeID is the configured name of this node, or one that nobody else has.
func nodeID(c configs.Node) string {
	if c.ID != "" {
		return c.ID
	}
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	return host + "-" + strings.ToLower(rand.Text()[:8])
}

// dialDraft reaches a relay at a draft, or for zero at the newest that both know.
func dialDraft(ctx context.Context, rawURL string, draft int, conf *tls.Config) (moqt.Conn, error) {
	return dialMoQ(ctx, rawURL, conf, protocolsOf(draft))
}

// dialMoQ reaches a relay over WebTransport or, at a moqt URL, over QUIC.
func dialMoQ(ctx context.Context, rawURL string, conf *tls.Config, protocols []string) (moqt.Conn, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "https":
		return wtconn.Dial(ctx, rawURL, conf, protocols, nil, quicconn.UplinkConfig())
	case "moqt":
		address := u.Host
		if u.Port() == "" {
			address += ":443"
		}
		return quicconn.Dial(ctx, address, conf, protocols, quicconn.UplinkConfig())
	}
	return nil, fmt.Errorf("%s: neither https nor moqt", rawURL)
}

// parentTLS is how parents are known, and how this node is known to them.
func parentTLS(c configs.Relay) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS13}
	if c.CA != "" {
		text, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("ca: %s holds no certificate", c.CA)
		}
	}
	if c.Cert != "" {
		if _, err := tls.LoadX509KeyPair(c.Cert, c.Key); err != nil {
			return nil, fmt.Errorf("cert: %w", err)
		}
		// Read at each handshake: certificates are short-lived and replaced.
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
			return &pair, err
		}
	}
	switch {
	case c.Insecure:
		conf.InsecureSkipVerify = true // Asked for by name.
	case len(c.Fingerprints) > 0:
		conf.InsecureSkipVerify = true // The hash says more than a chain.
		conf.VerifyConnection = oneOf(c.Fingerprints)
	}
	return conf, nil
}

// oneOf accepts a certificate by its hash.
func oneOf(fingerprints []string) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return errors.New("no certificate")
		}
		sum := sha256.Sum256(s.PeerCertificates[0].Raw)
		got := hex.EncodeToString(sum[:])
		if !slices.ContainsFunc(fingerprints, func(f string) bool { return strings.EqualFold(f, got) }) {
			return fmt.Errorf("certificate %s is none of the fingerprints", got)
		}
		return nil
	}
}
