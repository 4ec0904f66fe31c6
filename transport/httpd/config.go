package httpd

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/quic-go/quic-go"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
)

// Config configures a Server.
type Config struct {
	// HTTP is the plain TCP address, such as ":8080"; empty is none.
	HTTP string
	// HTTPS is the TCP and UDP address of everything encrypted, such as
	// ":4443"; empty is none.
	HTTPS string
	// Certs gives the certificates of HTTPS.
	Certs *certs.Source

	// Protocols are the ALPNs and subprotocols of MoQT, newest first.
	Protocols []string
	// MoQ serves a MoQT connection and returns when it has ended. ctx ends when
	// the server drains: the time to send GOAWAY. The connection lives on until
	// the drain's deadline.
	MoQ func(ctx context.Context, conn moqt.Conn)
	// Others serve further ALPNs on the UDP port and return when the connection has
	// ended.
	Others map[string]func(conn *quic.Conn)
	// Origins restricts the pages that may open a session over WebTransport or
	// WebSocket; nil allows all, an empty list none.
	Origins []string
	// MaxSessions caps the QUIC connections and so the sessions, and those over
	// WebSocket; 0 is 10,000 each.
	MaxSessions int
	// RetryAbove is quicconn.Config.RetryAbove.
	RetryAbove int

	// MaxConns caps the connections over TCP on both ports together; 0 is 20,000:
	// with a few tens of KB each they are 1 GB at most, and a viewer of LL-HLS
	// holds one over HTTP/2, up to six over HTTP/1.1. One address may hold half of
	// them, which leaves room for a proxy in front and for others beside a flood.
	MaxConns int
	// PublicMoQURL is what /v1/info tells of MoQ, where ports are mapped or a proxy
	// stands in front, such as "https://live.example:443/moq"; empty is the host
	// that the request names, with our own port.
	PublicMoQURL string

	// Swarm, if set, tells /v1/info that viewers can help each other, and whether they
	// are to be asked, by their address: "ask", "allow", or "off".
	Swarm func(viewer netip.Addr) string
	// Edges, if set, gives other gateways where the same is to be had, as origins such
	// as "https://edge-b.example.com", for /v1/info.
	Edges func() []string

	// HLS takes the requests for playlists, headers, segments and parts.
	HLS http.Handler
	// Access says who may know of what; everybody of everything when nil.
	Access Access
	// ClientCertificates asks the peers of HTTPS over QUIC for a certificate, for the
	// Conn of MoQ to show; nothing is verified here.
	ClientCertificates bool
	// Player holds index.html, list.html and what they load from /player/.
	Player fs.FS
	// Relay tells which broadcasts are live.
	Relay *relay.Relay
	// Version is what /v1/info tells.
	Version string

	// DrainDelay is how long new work is still taken after the drain began, so
	// that a load balancer sees readyz fail first.
	DrainDelay time.Duration
	// DrainTimeout is how long sessions and requests may take to end after that;
	// 0 is 10 s, which covers a blocked playlist request.
	DrainTimeout time.Duration

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Access says who may know of which broadcasts.
type Access interface {
	// Discover gives what the request may see of all broadcasts, or says why nothing.
	Discover(r *http.Request) (visible func(relay.Namespace) bool, err error)
	// Refuse answers and notes a request with the error that Discover gave.
	Refuse(w http.ResponseWriter, r *http.Request, ns relay.Namespace, err error)
}

// openAccess shows everything to everybody.
type openAccess struct{}

func (openAccess) Discover(*http.Request) (func(relay.Namespace) bool, error) {
	return func(relay.Namespace) bool { return true }, nil
}

func (openAccess) Refuse(w http.ResponseWriter, _ *http.Request, _ relay.Namespace, err error) {
	http.Error(w, err.Error(), http.StatusForbidden)
}

func (cfg *Config) prepare() error {
	switch {
	case cfg.HTTP == "" && cfg.HTTPS == "":
		return errors.New("http server: no address")
	case cfg.HTTPS != "" && cfg.Certs == nil:
		return errors.New("http server: https without certificates")
	case cfg.HTTPS != "" && (cfg.MoQ == nil || len(cfg.Protocols) == 0):
		return errors.New("http server: https without MoQ")
	case cfg.Relay == nil:
		return errors.New("http server: no relay")
	case cfg.Player == nil:
		return errors.New("http server: no player files")
	}
	if cfg.MaxConns == 0 {
		cfg.MaxConns = 20_000
	}
	if cfg.Access == nil {
		cfg.Access = openAccess{}
	}
	if cfg.HLS == nil {
		cfg.HLS = http.NotFoundHandler()
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}
