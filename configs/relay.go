package configs

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"time"
)

// Relay is for the log that everything is served from, and for the gateways that
// broadcasts come from beside this one's encoders.
type Relay struct {
	// Window is how much of each track is kept.
	Window time.Duration `yaml:"window"`
	// Memory is the most that all logs together hold, in MiB; zero is no limit.
	// The newest group of each track and catalogs stay whatever it is.
	Memory int `yaml:"memory"`
	// GroupMemory is the most that one group holds, in MiB: of a longer one the oldest
	// objects go first. It guards against publishers that never start another group.
	GroupMemory int `yaml:"group_memory"`
	// Linger is how long a track from a parent goes on without viewers.
	Linger time.Duration `yaml:"linger"`
	// Parents are asked for every broadcast that is not published here.
	Parents []Parent `yaml:"parents"`
	// Token is shown to parents; TokenFile is a file that holds it, and is read again
	// when it changes.
	Token     Secret `yaml:"token"`
	TokenFile string `yaml:"token_file"`
	// CA is a PEM file of those who certify parents; empty trusts the system's.
	// Fingerprints are SHA-256 hashes of certificates that need nobody's word.
	// Insecure asks for no certificate at all.
	CA           string   `yaml:"ca"`
	Fingerprints []string `yaml:"fingerprints"`
	Insecure     bool     `yaml:"insecure"`
	// Cert and Key are PEM files that show parents who this gateway is.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// Parent is a gateway that broadcasts come from.
type Parent struct {
	// URL is https://host:port/moq for WebTransport, moqt://host:port for QUIC.
	URL string `yaml:"url"`
	// Cost orders parents that are equally near to a broadcast, lowest first.
	Cost int `yaml:"cost"`
	// Draft is the draft of MoQT to speak, 18 or 16, for a parent that gets one of
	// them wrong; zero is the newest that both know.
	Draft int `yaml:"draft"`
}

const (
	maxCost        = 10_000
	maxGroupMemory = 4096
)

func (v *validator) relay(c Relay) {
	v.within("relay.window", c.Window, 5*time.Second, time.Hour)
	v.within("relay.linger", c.Linger, 0, time.Hour)
	if c.Memory < 0 {
		v.add("relay.memory", "%d is negative", c.Memory)
	}
	if c.GroupMemory < 1 || c.GroupMemory > maxGroupMemory {
		v.add("relay.group_memory", "%d is not between 1 and %d", c.GroupMemory, maxGroupMemory)
	}
	seen := make(map[string]bool)
	for i, p := range c.Parents {
		key := fmt.Sprintf("relay.parents[%d]", i)
		v.relayURL(key+".url", p.URL)
		if seen[p.URL] {
			v.add(key+".url", "%q is there twice", p.URL)
		}
		seen[p.URL] = true
		if p.Cost < 0 || p.Cost > maxCost {
			v.add(key+".cost", "%d is not between 0 and %d", p.Cost, maxCost)
		}
		if p.Draft != 0 && p.Draft != 16 && p.Draft != 18 {
			v.add(key+".draft", "%d is neither 16 nor 18", p.Draft)
		}
	}
	if c.Token != "" && c.TokenFile != "" {
		v.add("relay.token_file", "token is set, too")
	}
	for i, f := range c.Fingerprints {
		if b, err := hex.DecodeString(f); err != nil || len(b) != 32 {
			v.add(fmt.Sprintf("relay.fingerprints[%d]", i), "%q is no SHA-256 hash of 64 hexadecimal digits", f)
		}
	}
	if c.Insecure && (c.CA != "" || len(c.Fingerprints) > 0) {
		v.add("relay.insecure", "asks for no certificate, though ca or fingerprints are set")
	}
	if (c.Cert == "") != (c.Key == "") {
		v.add("relay.cert", "cert and key go together")
	}
}

// relayURL checks where MoQ is served.
func (v *validator) relayURL(key, s string) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "moqt" {
		v.add(key, `%q is no URL such as "https://origin.example.com:4443/moq" or "moqt://10.0.0.1:4443"`, s)
	}
}
