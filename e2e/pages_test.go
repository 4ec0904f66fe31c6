package e2e_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/freshet-live/freshet/e2e/rig"
)

// ourPage watches a broadcast on the gateway's own page.
func ourPage(gateway *rig.Gateway, path string, seconds float64) rig.Watch {
	return rig.Watch{URL: gateway.HTTP("/" + path + "/"), Seconds: seconds, Stats: "freshet.stats()"}
}

// playerStats is what these tests want of the player's own figures.
type playerStats struct {
	Transport  string   `json:"transport"`
	Carrier    string   `json:"carrier"`
	Draft      string   `json:"draft"`
	Latency    *float64 `json:"latency"`
	Reconnects int      `json:"reconnects"`
}

func ourStats(t *testing.T, seen *rig.Seen) playerStats {
	t.Helper()
	var stats playerStats
	if err := json.Unmarshal(seen.Stats, &stats); err != nil {
		t.Fatalf("the player's figures %s: %v", seen.Stats, err)
	}
	return stats
}

// foreignPage watches a broadcast with somebody else's player, on a page of
// another origin.
func foreignPage(page string, parameters url.Values, seconds float64, stats string) rig.Watch {
	return rig.Watch{URL: foreign + page + "?" + parameters.Encode(), Seconds: seconds, Stats: stats}
}
