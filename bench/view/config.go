package view

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// Config configures an Audience. URLs and Viewers are required, for MoQ a Namespace.
type Config struct {
	// URLs are those of servers; the viewers are spread over them in turn. For MoQ https
	// is WebTransport, moqt raw QUIC and wss WebSocket; with HLS they are playlists.
	URLs      []string
	Namespace relay.Namespace
	// HLS has the viewers follow playlists instead.
	HLS bool
	// HTTP is the version that HLS is asked over: 1, 2 or 3; 0 is what TLS agrees on.
	HTTP int
	// Draft is the only one of MoQT that is offered; 0 is all that are built.
	Draft int
	// Tracks are those that are watched; none is all that the catalog has.
	Tracks []string
	// NoCatalog subscribes to Tracks by name: for who publishes no catalog.
	NoCatalog bool
	// JoinNow has viewers begin at the start of the newest group, by a joining FETCH,
	// rather than wait for the next.
	JoinNow bool

	Viewers int
	// Ramp is the time over which the viewers come.
	Ramp time.Duration
	// Stay is the mean time after which a viewer leaves and another comes, for the share
	// Churn of them; 0 is for ever.
	Stay  time.Duration
	Churn float64
	// Slow is the share that reads at SlowRate bytes a second, Stuck the share that stops
	// reading, Misbehave that which breaks the rules.
	Slow, Stuck, Misbehave float64
	SlowRate               int

	// Reference is the URL of a viewer beside the others whose bytes are the right ones.
	Reference string
	// Buffer is what a player has before it plays; 0 is 300 ms.
	Buffer time.Duration
	// PerSocket is how many connections share a UDP socket; 0 is one each.
	PerSocket int
	// Seed is that of chance.
	Seed uint64
	// Token is shown to the server.
	Token string
	// TLS says which certificates count.
	TLS *tls.Config
}

// defaultBuffer is that of a player on a steady network.
const defaultBuffer = 300 * time.Millisecond

func (c *Config) check() error {
	switch {
	case len(c.URLs) == 0 || c.Viewers < 1:
		return errors.New("view: URLs and viewers are needed")
	case !c.HLS && c.Namespace == "":
		return errors.New("view: a broadcast is needed")
	case c.NoCatalog && len(c.Tracks) == 0:
		return errors.New("view: without a catalog tracks are needed")
	case c.HLS && c.JoinNow:
		return errors.New("view: HLS always begins with what is there")
	case c.Draft != 0 && len(c.protocols()) == 0:
		return fmt.Errorf("view: draft %d is not spoken", c.Draft)
	case c.HTTP < 0 || c.HTTP > 3:
		return fmt.Errorf("view: HTTP version %d is not spoken", c.HTTP)
	case c.Slow < 0 || c.Stuck < 0 || c.Misbehave < 0 || c.Slow+c.Stuck+c.Misbehave > 1:
		return errors.New("view: the shares of viewers are not between 0 and 1 together")
	case c.Slow > 0 && c.SlowRate < 1:
		return errors.New("view: slow viewers need a rate")
	}
	if c.Buffer == 0 {
		c.Buffer = defaultBuffer
	}
	if c.Stay > 0 && c.Churn == 0 {
		c.Churn = 1
	}
	if c.TLS == nil {
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	}
	return nil
}
