package swarm_test

import (
	"math"
	"testing"

	"github.com/freshet-live/freshet/bench/swarm"
)

// The ceilings that follow from the figures alone: what uplinks of a country allow with
// 35 % who never upload, 4 Mbit/s, and the shares of the reference.
func TestCeilings(t *testing.T) {
	for country, want := range map[string]float64{
		"us": 95, "fr": 93, "br": 94, "jp": 93, "kr": 93, "gb": 88, "de": 84, "za": 67, "in": 64, "ng": 47,
	} {
		got, err := swarm.Ceiling(country, 4_000_000, .35, swarm.DefaultConfig().Params)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(100*got-want) > 1 {
			t.Errorf("%s: %.1f %%, want %.0f %%", country, 100*got, want)
		}
	}
	if _, err := swarm.Ceiling("xx", 1, 0, swarm.DefaultConfig().Params); err == nil {
		t.Error("a country without figures has a ceiling")
	}
}
