package configs

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
)

// Auth says who may publish and watch. With nothing set, whoever is on this machine,
// and nobody else.
type Auth struct {
	// Open lets everybody publish and watch everything.
	Open bool `yaml:"open"`
	// Keys is a file of public keys in PEM, or of a JWK Set; JWKS is the URL of one.
	// With either, who publishes or watches shows a token.
	Keys string `yaml:"keys"`
	JWKS string `yaml:"jwks"`
	// Audience, if set, has to be among those that a token is for.
	Audience string `yaml:"audience"`
	// Public are paths that everybody may watch, with all below them; "" is
	// everything.
	Public []string `yaml:"public"`
	// Relays are known by their certificates.
	Relays AuthRelays `yaml:"relays"`
}

// AuthRelays says which client certificates are those of relays, which may watch
// everything.
type AuthRelays struct {
	// CA is a PEM file of those who certify them; empty asks for no certificate.
	CA string `yaml:"ca"`
	// Names are patterns, one of which a URI or DNS name in the certificate must
	// match; none takes every certificate of the CA.
	Names []string `yaml:"names"`
}

// Closed tells that this machine alone is served.
func (c Auth) Closed() bool {
	return !c.Open && c.Keys == "" && c.JWKS == "" && len(c.Public) == 0 && c.Relays.CA == ""
}

func (v *validator) auth(c Auth) {
	keyed := c.Keys != "" || c.JWKS != ""
	if c.Open && (keyed || len(c.Public) > 0) {
		v.add("auth.open", "lets everybody in, though keys, jwks or public are set")
	}
	if c.JWKS != "" && !secureURL(c.JWKS) {
		v.add("auth.jwks", `%q is no URL such as "https://issuer.example.com/.well-known/jwks.json"`, c.JWKS)
	}
	if c.Audience != "" && !keyed {
		v.add("auth.audience", "is asked of tokens, and neither keys nor jwks is set")
	}
	if len(c.Relays.Names) > 0 && c.Relays.CA == "" {
		v.add("auth.relays.names", "ca is not set")
	}
	for i, p := range c.Relays.Names {
		if _, err := path.Match(p, ""); p == "" || err != nil {
			v.add(fmt.Sprintf("auth.relays.names[%d]", i), "%q is no name and no pattern", p)
		}
	}
}

// secureURL tells whether what comes from a URL can be believed: over TLS, or from
// this machine.
func secureURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && err == nil && ip.IsLoopback()
}

// Beyond lists the addresses that other machines reach, of the doors that are open.
func (c Config) Beyond() []string {
	var out []string
	for _, address := range []string{c.SRT.Address, c.RTSP.Address, c.Web.HTTP, c.Web.HTTPS} {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			continue // Switched off.
		}
		if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
			out = append(out, address)
		}
	}
	return out
}
