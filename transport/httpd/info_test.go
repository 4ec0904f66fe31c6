package httpd_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/transport/httpd"
)

// Players are told of the swarm, by where they are, and of other edges.
func TestInfoOfTheSwarm(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(cfg *httpd.Config) {
		cfg.Swarm = func(viewer netip.Addr) string {
			if viewer.IsLoopback() {
				return "allow"
			}
			return "ask"
		}
		cfg.Edges = func() []string { return []string{"https://b.example.com"} }
	})
	for name, c := range n.clients(t) {
		_, body := c.do(http.MethodGet, "/v1/info", nil)
		var got struct {
			Swarm map[string]string
			Edges []string
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"ask": "allow"}, got.Swarm); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff([]string{"https://b.example.com"}, got.Edges); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
