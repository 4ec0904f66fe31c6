package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
)

// A page that a full edge refuses says so, over MoQ and LL-HLS, and plays when there is
// room again.
func TestOurPageAtAFullEdge(t *testing.T) {
	beside(t)
	rig.Need(t, "ffmpeg", "node", "chromium")
	const path = "live/full"
	gateway := startSwarm(t, path, "  admission: refuse\n  capacity: 0.01\n")
	crowd := startCrowd(t, rig.CrowdConfig{
		Origins: origins(gateway.HTTP("/")), Stats: "({state: freshet.state, message: freshet.message})", Patience: 8,
	})
	page := gateway.HTTP("/"+path+"/") + "?muted"
	must(t, crowd.Open(rig.CrowdViewer{Name: "first", URL: page}))
	within(t, 10*time.Second, func() error {
		state, err := rig.Get(t.Context(), gateway.Operator("/v1/swarm"))
		if err == nil && !strings.Contains(state, `"admit":false`) {
			err = fmt.Errorf("it is not full: %s", state)
		}
		return err
	})
	late := []string{"over MoQ", "over LL-HLS"}
	if crowd.Open(rig.CrowdViewer{Name: late[0], URL: page}) == nil || crowd.Open(rig.CrowdViewer{Name: late[1], URL: page + "&transport=hls"}) == nil {
		t.Fatal("a page plays that was to be refused")
	}
	said := func(name string) (state, message string) {
		t.Helper()
		seen, err := crowd.Look(name)
		must(t, err)
		var s struct{ State, Message string }
		must(t, json.Unmarshal(seen[0].Stats, &s))
		return s.State, s.Message
	}
	for _, name := range late {
		if state, message := said(name); state != "waiting" || !strings.Contains(message, "takes no more viewers") {
			t.Errorf("%s: the page is %s and says %q", name, state, message)
		}
	}
	must(t, crowd.Leave("first"))
	for _, name := range late { // The longest that is said is 12.5 s.
		within(t, 30*time.Second, func() error {
			if state, message := said(name); state != "playing" {
				return fmt.Errorf("%s: the page is %s and says %q", name, state, message)
			}
			return nil
		})
		must(t, crowd.Leave(name)) // The edge has room for one.
	}
}
