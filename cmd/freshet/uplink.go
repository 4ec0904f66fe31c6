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
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// newUplink makes the connections to parents, and the announcements to children.
func (g *gateway) newUplink() error {
	c := g.cfg.Relay
	conf, err := parentTLS(c)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	token := c.Token.Reveal()
	if c.TokenFile != "" {
		text, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return fmt.Errorf("relay: token: %w", err)
		}
		token = strings.TrimSpace(string(text))
	}
	drafts := make(map[string]int, len(c.Parents))
	for _, p := range c.Parents {
		drafts[p.URL] = p.Draft
	}
	g.uplink, err = uplink.New(uplink.Config{
		Self: g.cfg.Node.ID, Relay: g.relay, Token: token,
		Dial: func(ctx context.Context, url string) (moqt.Conn, error) {
			return dialMoQ(ctx, url, conf, protocolsOf(drafts[url]))
		},
		Epoch:  g.epoch,
		Window: c.Window, Linger: c.Linger,
		Logger: g.log.With("part", "uplink"), Registerer: g.registry,
	})
	if err != nil {
		return err
	}
	parents := make([]uplink.Parent, len(c.Parents))
	for i, p := range c.Parents {
		parents[i] = uplink.Parent{URL: p.URL, Cost: p.Cost}
	}
	g.uplink.SetParents(parents)
	return nil
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

// dialNewest reaches a relay at the newest draft that both know.
func dialNewest(ctx context.Context, rawURL string, conf *tls.Config) (moqt.Conn, error) {
	return dialMoQ(ctx, rawURL, conf, wire.Protocols())
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
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("cert: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
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
