package configs

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Swarm is for viewers who pass video on to each other (docs/swarm.md).
type Swarm struct {
	// Enabled makes an origin sign what it packages: a track of beacons beside each
	// video track, by which viewers know what other viewers sent them. A node of any
	// tier offers the swarm to the viewers who come to it.
	Enabled bool `yaml:"enabled"`
	// Key is a PEM file with the Ed25519 key that stands for the streams of this
	// origin. Empty: one is made, and kept in Web.CertDir if that is set.
	Key string `yaml:"key"`

	// Delay is how long after a chunk has reached this node it is displayed.
	Delay time.Duration `yaml:"delay"`
	// Share is the part of a viewer's measured uplink that is used.
	Share float64 `yaml:"share"`
	// CapFactor bounds a viewer's upload in bitrates of the stream, Cap in Mbit/s.
	CapFactor float64 `yaml:"cap_factor"`
	Cap       float64 `yaml:"cap"`
	// Control is the part of the viewers that this node feeds alone, for comparison.
	Control float64 `yaml:"control"`
	// LAN lets viewers use addresses of their own network.
	LAN bool `yaml:"lan"`
	// MinViewers is how many it takes for a swarm, MinLoad the part of Capacity that
	// this node must be sending.
	MinViewers int     `yaml:"min_viewers"`
	MinLoad    float64 `yaml:"min_load"`
	// Capacity is what this node can send, in Mbit/s; zero is not known.
	Capacity float64 `yaml:"capacity"`
	// Admission is what becomes of new viewers when Capacity would not be enough for all
	// of them without peers: report or refuse.
	Admission string `yaml:"admission"`
	// STUN is a UDP address for a STUN server; STUNURLs are what viewers are told.
	STUN     string   `yaml:"stun"`
	STUNURLs []string `yaml:"stun_urls"`
	// ASNDatabase and CountryDatabase are MMDB files that tell the network and the
	// country of an address.
	ASNDatabase     string `yaml:"asn_database"`
	CountryDatabase string `yaml:"country_database"`
	// MobileASNs are networks of mobile carriers; OffASNs those without a swarm.
	MobileASNs []uint32 `yaml:"mobile_asns"`
	OffASNs    []uint32 `yaml:"off_asns"`
	// Consent says where people are asked first.
	Consent SwarmConsent `yaml:"consent"`
	// Fallbacks are the URLs of other nodes that viewers may go to when this one is
	// gone, such as https://edge-b.example.com; empty takes those of the region that
	// the directory knows.
	Fallbacks []string `yaml:"fallbacks"`
}

// SwarmConsent is ask, allow or off for viewers of a country, by its ISO 3166-1 code of
// two letters.
type SwarmConsent struct {
	Default string   `yaml:"default"`
	Ask     []string `yaml:"ask"`
	Allow   []string `yaml:"allow"`
	Off     []string `yaml:"off"`
}

// The ways of SwarmConsent.
const (
	ConsentAsk   = "ask"
	ConsentAllow = "allow"
	ConsentOff   = "off"
)

// The ways of Admission.
const (
	AdmissionReport = "report"
	AdmissionRefuse = "refuse"
)

// defaultSwarm has the numbers of docs/swarm-policy.md.
func defaultSwarm() Swarm {
	return Swarm{
		// Off, until it is switched on: a beacon costs a signature and 150 bytes for each
		// picture, and is of use only where viewers were asked for their uplinks.

		// A second is what trees of four hops need with a hedge to spare.
		Delay: time.Second,
		// More than 40 to 50 % of an uplink makes all else on the line wait.
		Share: 0.4,
		// Twice the stream lets one who gives make up for one who cannot; 8 Mbit/s is
		// what a household does not notice on a usual line.
		CapFactor: 2, Cap: 8,
		// 2 %: of a thousand viewers twenty, enough to see a tenth of a point.
		Control: 0.02,
		// Below, peers save less than introducing them costs.
		MinViewers: 8,
		// To turn people away is the operator's decision.
		Admission: AdmissionReport,
		// Prior consent is what the law of the EU and the UK asks for; elsewhere it is
		// good manners.
		Consent: SwarmConsent{Default: ConsentAsk},
	}
}

func (v *validator) swarm(c Swarm, n Node) {
	if c.Key != "" && n.Tier != TierOrigin {
		v.add("swarm.key", "belongs at origins alone: whoever has it can sign what viewers play")
	}
	v.within("swarm.delay", c.Delay, 250*time.Millisecond, 10*time.Second)
	v.between("swarm.share", c.Share, 0.05, 0.8)
	v.between("swarm.cap_factor", c.CapFactor, 0.1, 10)
	v.between("swarm.cap", c.Cap, 0.1, 1000)
	v.between("swarm.min_load", c.MinLoad, 0, 1)
	v.between("swarm.capacity", c.Capacity, 0, 10_000_000)
	if c.Control != 0 {
		// Less compares nothing, more gives away what the swarm is for.
		v.between("swarm.control", c.Control, 0.01, 0.05)
	}
	if c.MinViewers < 2 || c.MinViewers > 100_000 {
		v.add("swarm.min_viewers", "%d is not between 2 and 100000", c.MinViewers)
	}
	if c.MinLoad > 0 && c.Capacity == 0 {
		v.add("swarm.min_load", "is a part of capacity, which is not set")
	}
	switch c.Admission {
	case AdmissionReport:
	case AdmissionRefuse:
		if c.Capacity == 0 {
			v.add("swarm.admission", "refuse needs capacity, which is not set")
		}
	default:
		v.add("swarm.admission", "%q is neither report nor refuse", c.Admission)
	}
	v.swarmServers(c)
	v.swarmConsent(c)
}

func (v *validator) swarmServers(c Swarm) {
	v.address("swarm.stun", c.STUN)
	if c.STUN != "" && len(c.STUNURLs) == 0 {
		v.add("swarm.stun_urls", "must say where viewers reach swarm.stun, such as stun:edge.example.com:3478")
	}
	for i, s := range c.STUNURLs {
		if u, err := url.Parse(s); err != nil || u.Scheme != "stun" || u.Opaque == "" || len(s) > 256 {
			v.add(fmt.Sprintf("swarm.stun_urls[%d]", i), `%q is no URL such as "stun:edge.example.com:3478"`, s)
		}
	}
	if len(c.STUNURLs) > 4 {
		v.add("swarm.stun_urls", "browsers want no more than 4")
	}
	for i, s := range c.Fallbacks {
		if u, err := url.Parse(s); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			v.add(fmt.Sprintf("swarm.fallbacks[%d]", i), `%q is no URL such as "https://edge-b.example.com"`, s)
		}
	}
}

func (v *validator) swarmConsent(c Swarm) {
	v.oneOf("swarm.consent.default", c.Consent.Default, ConsentAsk, ConsentAllow, ConsentOff)
	seen := make(map[string]bool)
	for _, way := range []struct {
		key       string
		countries []string
	}{{ConsentAsk, c.Consent.Ask}, {ConsentAllow, c.Consent.Allow}, {ConsentOff, c.Consent.Off}} {
		for i, code := range way.countries {
			at := fmt.Sprintf("swarm.consent.%s[%d]", way.key, i)
			if len(code) != 2 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
				v.add(at, `%q is no country such as "DE"`, code)
			}
			if seen[code] {
				v.add(at, "%q is there twice", code)
			}
			seen[code] = true
		}
	}
	if len(seen) > 0 && c.CountryDatabase == "" {
		v.add("swarm.country_database", "must be set to tell countries from each other")
	}
	if len(c.MobileASNs)+len(c.OffASNs) > 0 && c.ASNDatabase == "" {
		v.add("swarm.asn_database", "must be set to tell networks from each other")
	}
}

// between checks a number.
func (v *validator) between(key string, x, lo, hi float64) {
	if !(x >= lo && x <= hi) {
		v.add(key, "%g is not between %g and %g", x, lo, hi)
	}
}
