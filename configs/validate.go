package configs

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/freshet-live/freshet/ingest"
)

// Validate joins a MistakeError for everything that cannot work.
func (c Config) Validate() error { return joinMistakes(c.mistakes()) }

func (c Config) mistakes() []*MistakeError {
	var v validator
	v.auth(c.Auth)
	v.srt(c.SRT)
	v.rtsp(c.RTSP)
	v.within("ingest.hold", c.Ingest.Hold, 0, 30*time.Minute)
	v.web(c.Web)
	v.hls(c.HLS, c.Relay)
	v.within("moq.max_lag", c.MoQ.MaxLag, 0, time.Minute)
	v.node(c.Node)
	v.relay(c.Relay)
	v.swarm(c.Swarm, c.Node)
	v.cluster(c.Cluster)
	if len(c.Cluster.Routes) > 0 && c.Node.ID == "" {
		v.add("node.id", "must be set for a voter: the others know it by its name, also after a restart")
	}
	v.address("metrics.address", c.Metrics.Address)
	v.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	v.oneOf("log.format", c.Log.Format, "text", "json")
	v.within("drain.deadline", c.Drain.Deadline, 0, 10*time.Minute)
	if c.Drain.URL != "" {
		v.relayURL("drain.url", c.Drain.URL)
	}
	found := !c.Cluster.Alone() && c.Node.Tier != TierOrigin // Parents, in the directory.
	if c.SRT.Address == "" && !c.RTSP.on() && !c.MoQ.Publish && !c.QUIC.Publish && len(c.Relay.Parents) == 0 && !found {
		v.add("srt.address", "is empty, and there is neither rtsp, moq.publish, quic.publish nor a parent: nothing could come in")
	}
	return v.mistakes
}

type validator struct{ mistakes []*MistakeError }

func (v *validator) add(key, format string, args ...any) {
	v.mistakes = append(v.mistakes, &MistakeError{Key: key, Text: fmt.Sprintf(format, args...)})
}

func (v *validator) srt(c SRT) {
	v.address("srt.address", c.Address)
	if host, _, err := net.SplitHostPort(c.Address); err == nil && host != "" {
		if _, err := netip.ParseAddr(host); err != nil {
			v.add("srt.address", "the host must be an IP address, or empty for all")
		}
	}
	// The field of the handshake has 16 bits of milliseconds; over 10 s is a
	// slip of the pen.
	v.within("srt.latency", c.Latency, 20*time.Millisecond, 10*time.Second)
	v.passphrase("srt.passphrase", c.Passphrase)
	if c.DefaultStream != "" {
		if err := ingest.ValidateName(c.DefaultStream); err != nil {
			v.add("srt.default_stream", "%v", err)
		}
	}
	for i, s := range c.Streams {
		key := fmt.Sprintf("srt.streams[%d]", i)
		if _, err := path.Match(s.Path, ""); s.Path == "" || err != nil {
			v.add(key+".path", "%q is no name and no pattern", s.Path)
		}
		v.passphrase(key+".passphrase", s.Passphrase)
	}
}

// passphrase holds to libsrt's limits (SRTO_PASSPHRASE).
func (v *validator) passphrase(key string, s Secret) {
	if n := len(s.Reveal()); n != 0 && (n < 10 || n > 79) {
		v.add(key, "has %d bytes; SRT takes 10 to 79", n)
	}
}

func (v *validator) web(c Web) {
	v.address("web.http", c.HTTP)
	v.address("web.https", c.HTTPS)
	if c.HTTPS == "" {
		v.add("web.https", "must be set")
	}
	if (c.Cert == "") != (c.Key == "") {
		v.add("web.cert", "cert and key go together")
	}
	for i, h := range c.Hosts {
		if h == "" {
			v.add(fmt.Sprintf("web.hosts[%d]", i), "is empty")
		}
	}
	if u, err := url.Parse(c.MoQURL); c.MoQURL != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		v.add("web.moq_url", `%q is no URL such as "https://live.example.com/moq"`, c.MoQURL)
	}
	for i, o := range c.Origins {
		if o == "*" {
			continue
		}
		if u, err := url.Parse(o); err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" {
			v.add(fmt.Sprintf("web.origins[%d]", i), `%q is no origin such as "https://example.com", nor "*"`, o)
		}
	}
}

func (v *validator) hls(c HLS, r Relay) {
	v.within("hls.segment", c.Segment, time.Second, 10*time.Second)
	v.within("hls.part", c.Part, 100*time.Millisecond, 5*time.Second)
	if c.Part > c.Segment {
		v.add("hls.part", "%v is longer than a segment (%v)", c.Part, c.Segment)
	}
	// RFC 8216, section 6.2.2: a playlist holds at least three segments; one
	// grows and one is being fetched.
	if r.Window < 5*c.Segment {
		v.add("relay.window", "%v does not hold five segments of %v", r.Window, c.Segment)
	}
}

// address checks a listener's address; an empty one is switched off.
func (v *validator) address(key, s string) {
	if s == "" {
		return
	}
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		v.add(key, `%q is no address such as ":8080" or "127.0.0.1:8080"`, s)
		return
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		v.add(key, "port %q is no number from 0 to 65535", port)
	}
}

func (v *validator) within(key string, d, lo, hi time.Duration) {
	if d < lo || d > hi {
		v.add(key, "%v is not between %v and %v", d, lo, hi)
	}
}

func (v *validator) oneOf(key, s string, allowed ...string) {
	if !slices.Contains(allowed, s) {
		v.add(key, "%q is none of %v", s, allowed)
	}
}
