package configs

import (
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/freshet-live/freshet/ingest"
)

// RTSP is for encoders and cameras that speak RTSP.
type RTSP struct {
	// Address is the TCP address where they publish; empty serves none.
	Address string `yaml:"address"`
	// RTPAddress is the UDP address for their media, with an even port; the port
	// above it is taken as well. Empty takes media over TCP alone.
	RTPAddress string `yaml:"rtp_address"`
	// Pull are cameras to pull from.
	Pull []RTSPPull `yaml:"pull"`
}

// on tells whether anything can come in by RTSP.
func (c RTSP) on() bool { return c.Address != "" || len(c.Pull) > 0 }

// RTSPPull is a camera.
type RTSPPull struct {
	// Name is the broadcast's.
	Name string `yaml:"name"`
	// URL is "rtsp://user:password@host/path" or rtsps.
	URL Secret `yaml:"url"`
	// Transport is tcp, udp or auto; empty is auto.
	Transport string `yaml:"transport"`
}

func (v *validator) rtsp(c RTSP) {
	v.address("rtsp.address", c.Address)
	v.address("rtsp.rtp_address", c.RTPAddress)
	if _, port, err := net.SplitHostPort(c.RTPAddress); err == nil {
		// RFC 3550, section 11.
		if n, err := strconv.Atoi(port); err == nil && (n%2 != 0 || n == 0) {
			v.add("rtsp.rtp_address", "the port must be even, for the one above it is RTCP's")
		}
	}
	seen := make(map[string]bool)
	for i, p := range c.Pull {
		key := fmt.Sprintf("rtsp.pull[%d]", i)
		if err := ingest.ValidateName(p.Name); err != nil {
			v.add(key+".name", "%v", err)
		}
		if seen[p.Name] {
			v.add(key+".name", "%q is there twice", p.Name)
		}
		seen[p.Name] = true
		// The text of the URL and of the parser's error may hold a password.
		u, err := url.Parse(p.URL.Reveal())
		if err != nil || u.Host == "" || u.Scheme != "rtsp" && u.Scheme != "rtsps" {
			v.add(key+".url", "is no URL such as rtsp://user:password@camera/stream")
		}
		if p.Transport != "" {
			v.oneOf(key+".transport", p.Transport, "tcp", "udp", "auto")
		}
	}
}
