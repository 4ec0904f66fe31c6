package workers

import (
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/transport/httpd"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/shards"
)

// Files of the folder that a gateway shares with its workers.
const (
	linkFile  = "link" // Sessions of MoQ with the gateway.
	aboutFile = "about"
)

// brief is what a worker is told at its start.
type brief struct {
	Config    configs.Config // Of the gateway.
	Index, Of int
	Dir       string
	Secret    []byte // For QUIC; quicconn.Shard.
}

func (b *brief) opsPath() string { return filepath.Join(b.Dir, "w"+strconv.Itoa(b.Index)) }

// The descriptors that a worker inherits.
const (
	fdQUIC = 3 + iota
	fdHTTPS
	fdHTTP // Only where there is one.
)

// Seat is the place of this process among the workers.
type Seat struct {
	// Set by Take, then read-only.
	brief   brief
	sockets *httpd.Sockets

	edges atomic.Pointer[[]string]
}

// Take reads from stdin, and from what else was inherited, what this process is to do.
func Take(stdin io.Reader) (*Seat, error) {
	s := &Seat{}
	if err := gob.NewDecoder(stdin).Decode(&s.brief); err != nil {
		return nil, fmt.Errorf("a worker is started by a gateway only: %w", err)
	}
	quic, err := shards.PacketConn(os.NewFile(fdQUIC, "quic"))
	if err != nil {
		return nil, fmt.Errorf("inherit the socket of QUIC: %w", err)
	}
	s.sockets = &httpd.Sockets{QUIC: quic, Shard: quicconn.Shard{
		IDs: shards.ConnectionIDs{Index: s.brief.Index, Of: s.brief.Of}, Secret: s.brief.Secret,
	}}
	if s.sockets.HTTPS, err = shards.Listener(os.NewFile(fdHTTPS, "https")); err != nil {
		return nil, fmt.Errorf("inherit the socket of HTTPS: %w", err)
	}
	if s.brief.Config.Web.HTTP == "" {
		return s, nil
	}
	if s.sockets.HTTP, err = shards.Listener(os.NewFile(fdHTTP, "http")); err != nil {
		return nil, fmt.Errorf("inherit the socket of HTTP: %w", err)
	}
	return s, nil
}

// Config is that of a relay whose parent is the gateway, and which has nothing to do but
// to serve viewers.
func (s *Seat) Config() configs.Config {
	c := s.brief.Config
	c.Node.ID = fmt.Sprintf("%s-w%d", c.Node.ID, s.brief.Index)
	c.Node.Tier = configs.TierEdge
	c.SRT.Address, c.RTSP.Address, c.RTSP.Pull = "", "", nil
	c.Cluster = configs.Default().Cluster
	c.Relay.Parents = []configs.Parent{{URL: "unix:" + filepath.Join(s.brief.Dir, linkFile)}}
	c.Relay.Token, c.Relay.TokenFile = "", ""
	c.Swarm.STUN = ""
	c.Web.Workers = 0
	c.Metrics.Address = "unix:" + s.brief.opsPath()
	return c
}

// Index is the number of this worker.
func (s *Seat) Index() int { return s.brief.Index }

// Sockets are those to serve.
func (s *Seat) Sockets() *httpd.Sockets { return s.sockets }

// Edges are the other gateways that viewers may go on with, as the gateway knows them.
func (s *Seat) Edges() []string {
	if list := s.edges.Load(); list != nil {
		return *list
	}
	return nil
}

// edgesEvery is how often the gateway is asked for other edges.
const edgesEvery = 5 * time.Second

// Run keeps Edges up to date until ctx ends.
func (s *Seat) Run(ctx context.Context) error {
	client := clientOf(filepath.Join(s.brief.Dir, aboutFile))
	defer client.CloseIdleConnections()
	tick := time.NewTicker(edgesEvery)
	defer tick.Stop()
	for {
		if text, err := get(ctx, client, "/v1/edges"); err == nil {
			var list []string
			if json.Unmarshal(text, &list) == nil {
				s.edges.Store(&list)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// maxAnswer bounds what is read of an answer: a large process has some hundred KB of
// metrics.
const maxAnswer = 16 << 20

// get reads a page of operation over a Unix socket.
func get(ctx context.Context, client *http.Client, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://worker"+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(string(text[:min(len(text), 200)]))
	}
	return text, err
}
