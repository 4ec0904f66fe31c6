package quic

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// ParseURL reads "quic://host:port/live/cam1?token=..&latency=120ms&mode=datagram".
// Latency may be a bare number of milliseconds, as for SRT.
func ParseURL(raw string) (ClientConfig, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return ClientConfig{}, err
	}
	cfg := ClientConfig{Address: u.Host, Name: strings.Trim(u.Path, "/"), Token: u.Query().Get("token")}
	if u.Scheme != "quic" || u.Hostname() == "" || cfg.Name == "" {
		return cfg, fmt.Errorf("%q is no URL such as quic://host:4443/live/cam1", redacted(u))
	}
	if u.Port() == "" {
		cfg.Address += ":4443"
	}
	for key, values := range u.Query() {
		switch value := values[0]; key {
		case "token":
		case "latency":
			if cfg.Latency, err = parseLatency(value); err != nil {
				return cfg, err
			}
		case "mode":
			switch value {
			case "stream":
			case "datagram":
				cfg.Mode = ModeDatagram
			default:
				return cfg, fmt.Errorf("mode %q is neither stream nor datagram", value)
			}
		default:
			return cfg, fmt.Errorf("%q is none of token, latency and mode", key)
		}
	}
	return cfg, nil
}

func parseLatency(s string) (time.Duration, error) {
	if strings.Trim(s, "0123456789") == "" {
		s += "ms"
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 || d > maxLatency {
		return 0, fmt.Errorf("latency %q is not between 1ms and %v", s, maxLatency)
	}
	return d, nil
}

// redacted is u without its query: a token is for nobody's log.
func redacted(u *url.URL) string {
	plain := *u
	plain.RawQuery = ""
	return plain.Redacted()
}
