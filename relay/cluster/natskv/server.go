package natskv

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// maxMemory and maxStore bound the tables; 10,000 broadcasts are 10 MiB.
	maxMemory, maxStore = 64 << 20, 1 << 30
	// startTime bounds how long the server takes to listen.
	startTime = 10 * time.Second
	// peerPing, twice unanswered, ends the connection to a server that does not
	// say goodbye.
	peerPing = 2 * time.Second
	// quietAttempts is how many attempts to reach another server, about one a second
	// and there are several ways to each, pass between two lines of the log.
	quietAttempts = 60
	// domain tells the tables of the voters from those that a leaf could have: it
	// is the way to them through a leaf.
	domain = "freshet"
)

// ServerConfig configures a Server.
type ServerConfig struct {
	// Node is this server's name, its own in the cluster and the same after a
	// restart.
	Node string
	// Cluster is the cluster's name.
	Cluster string
	// Listen is the TCP address for other voters, Routes where they are:
	// "nats://host:6222". Without routes this server is alone.
	Listen string
	Routes []string
	// LeafListen is the TCP address for leaf nodes; empty takes none.
	LeafListen string
	// Leaf is where the voters take leaf nodes: "nats://host:7422". With it this
	// server is a leaf itself, and keeps nothing.
	Leaf []string
	// Dir keeps the tables of a voter. A server that is alone may do without: it
	// has nothing to tell after a restart.
	Dir string
	// TLS is for routes and leafs, both ways; nil is for loopback only.
	TLS *tls.Config
	// Logger may be nil.
	Logger *slog.Logger
}

// Server is a NATS server in this process. Clients do not reach it over the
// network, other servers do.
type Server struct {
	// Set by NewServer, then read-only.
	cfg  ServerConfig
	opts *server.Options
	log  *slog.Logger
	// password lets the Store of this process in; see peers.
	password string

	mu      sync.Mutex
	running *server.Server // Guarded by mu.
	scratch string         // Guarded by mu. A folder that goes with the server.
}

// NewServer checks the configuration. The server starts and ends with the Store.
func NewServer(cfg ServerConfig) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case cfg.Node == "":
		return nil, errors.New("nats server: no name")
	case len(cfg.Leaf) > 0 && (cfg.Listen != "" || len(cfg.Routes) > 0 || cfg.LeafListen != ""):
		return nil, errors.New("nats server: a leaf has no routes and no leafs of its own")
	case len(cfg.Routes) > 0 && (cfg.Dir == "" || cfg.Listen == ""):
		return nil, errors.New("nats server: a voter needs a folder and an address")
	}
	s := &Server{cfg: cfg, log: cfg.Logger, password: rand.Text()}
	s.opts = &server.Options{
		// No monitor, WebSocket or MQTT: they are not given a port.
		ServerName: cfg.Node, DontListen: true, NoSigs: true,
		CustomClientAuthentication: ownClient(s.password),
		MaxPayload:                 64 << 10, MaxClosedClients: 16, PingInterval: peerPing, MaxPingsOut: 2,
		DisableJetStreamBanner: true,
		ConnectErrorReports:    quietAttempts, ReconnectErrorReports: quietAttempts,
	}
	if err := errors.Join(s.peers(), s.leafs(), s.leaf()); err != nil {
		return nil, fmt.Errorf("nats server: %w", err)
	}
	if len(cfg.Leaf) == 0 {
		s.opts.JetStream, s.opts.JetStreamDomain = true, domain
		s.opts.JetStreamMaxMemory, s.opts.JetStreamMaxStore = maxMemory, maxStore
		s.opts.StoreDir, s.opts.SyncAlways = cfg.Dir, true
	}
	return s, nil
}

// peers configures the routes between voters. Routing does not start without a
// port for clients, so there is one: on loopback, with a password that nobody
// knows but the Store of this process.
func (s *Server) peers() (err error) {
	if s.cfg.Listen == "" {
		return nil
	}
	c := &s.opts.Cluster
	c.Name, c.PingInterval, c.MaxPingsOut = cmp.Or(s.cfg.Cluster, "freshet"), peerPing, 2
	c.NoAdvertise = true
	s.opts.DontListen, s.opts.Host, s.opts.Port = false, "127.0.0.1", server.RANDOM_PORT
	c.Compression.Mode = server.CompressionOff // Records are short and latency counts.
	if c.Host, c.Port, err = split(s.cfg.Listen); err != nil {
		return err
	}
	if s.cfg.TLS != nil {
		c.TLSConfig, c.TLSTimeout = s.cfg.TLS, server.TLS_TIMEOUT.Seconds()
	}
	s.opts.Routes, err = parseURLs(s.cfg.Routes)
	return err
}

// leafs configures the door for leaf nodes.
func (s *Server) leafs() (err error) {
	if s.cfg.LeafListen == "" {
		return nil
	}
	l := &s.opts.LeafNode
	l.Compression.Mode = server.CompressionOff
	if s.cfg.TLS != nil {
		l.TLSConfig, l.TLSTimeout = s.cfg.TLS, server.TLS_TIMEOUT.Seconds()
	}
	l.Host, l.Port, err = split(s.cfg.LeafListen)
	return err
}

// leaf configures the connection to the voters.
func (s *Server) leaf() error {
	if len(s.cfg.Leaf) == 0 {
		return nil
	}
	urls, err := parseURLs(s.cfg.Leaf)
	if err != nil {
		return err
	}
	remote := &server.RemoteLeafOpts{URLs: urls}
	remote.Compression.Mode = server.CompressionOff
	if s.cfg.TLS != nil {
		remote.TLS, remote.TLSConfig, remote.TLSTimeout = true, s.cfg.TLS, server.TLS_TIMEOUT.Seconds()
	}
	s.opts.LeafNode.ReconnectInterval = time.Second
	s.opts.LeafNode.Remotes = []*server.RemoteLeafOpts{remote}
	return nil
}

func split(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port %q: %w", text, err)
	}
	if n == 0 { // To the server, zero is no port at all.
		return host, server.RANDOM_PORT, nil
	}
	return cmp.Or(host, "0.0.0.0"), int(n), nil
}

func parseURLs(texts []string) ([]*url.URL, error) {
	out := make([]*url.URL, 0, len(texts))
	for _, text := range texts {
		u, err := url.Parse(text)
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

// replicas survive the loss of one voter in three; more than that make writes
// slower and the directory no truer.
func (s *Server) replicas() int {
	if len(s.cfg.Routes) == 0 && len(s.cfg.Leaf) == 0 {
		return 1
	}
	return 3
}

// storage of a server that is alone is memory: when it ends, everything ends.
func (s *Server) storage() jetstream.StorageType {
	if s.replicas() == 1 {
		return jetstream.MemoryStorage
	}
	return jetstream.FileStorage
}

// start returns when the server accepts connections.
func (s *Server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	opts := s.opts.Clone()
	if opts.JetStream && opts.StoreDir == "" {
		dir, err := os.MkdirTemp("", "freshet-cluster-")
		if err != nil {
			return fmt.Errorf("nats server: %w", err)
		}
		s.scratch, opts.StoreDir = dir, dir
	}
	running, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("nats server: %w", err)
	}
	fatal := make(chan string, 1)
	running.SetLogger(&logger{log: s.log, fatal: fatal}, false, false)
	running.Start()
	s.running = running
	return s.wait(running, fatal)
}

func (s *Server) wait(running *server.Server, fatal <-chan string) error {
	ready := make(chan bool, 1)
	go func() { ready <- running.ReadyForConnections(startTime) }()
	select {
	case text := <-fatal:
		running.Shutdown()
		<-ready
		return fmt.Errorf("nats server: %s", text)
	case ok := <-ready:
		if !ok {
			running.Shutdown()
			return errors.New("nats server: not ready in time")
		}
		return nil
	}
}

func (s *Server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		s.running.Shutdown()
		s.running.WaitForShutdown()
		s.running = nil
	}
	if s.scratch != "" {
		_ = os.RemoveAll(s.scratch) // A leftover in the temporary folder hurts nobody.
		s.scratch = ""
	}
}

// ownClient admits clients that know the password, and leafs, which have shown
// their certificate where there is TLS.
type ownClient string

// Check implements server.Authentication.
func (p ownClient) Check(c server.ClientAuthentication) bool {
	return c.Kind() == server.LEAF || subtle.ConstantTimeCompare([]byte(c.GetOpts().Token), []byte(p)) == 1
}

// InProcessConn connects without a socket; it implements
// nats.InProcessConnProvider.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil, errors.New("nats server: not running")
	}
	return s.running.InProcessConn()
}
