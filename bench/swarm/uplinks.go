package swarm

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

//go:embed uplinks.json
var uplinksFile []byte

// uplinkTable is uplinks.json.
type uplinkTable struct {
	Source      string             `json:"source"`
	Percentiles []float64          `json:"percentiles"`
	Countries   map[string]*Access `json:"countries"`
}

// Access is how fast a country's lines are, in Mbit/s at each percentile. The two are
// marginals: which uplink goes with which downlink is not known.
type Access struct {
	Upload   []float64 `json:"upload"`
	Download []float64 `json:"download"`

	percentiles []float64
}

var uplinks = sync.OnceValue(func() uplinkTable {
	var t uplinkTable
	if err := json.Unmarshal(uplinksFile, &t); err != nil {
		panic("bench/swarm: uplinks.json: " + err.Error())
	}
	for _, a := range t.Countries {
		a.percentiles = t.Percentiles
	}
	return t
})

// Countries are those whose lines are known, as two letters.
func Countries() []string { return slices.Sorted(maps.Keys(uplinks().Countries)) }

// Source names who measured the lines.
func Source() string { return uplinks().Source }

func access(country string) (*Access, error) {
	a := uplinks().Countries[country]
	if a == nil {
		return nil, fmt.Errorf("country: no figures of %q, only of %v", country, Countries())
	}
	return a, nil
}

// uplink is what a share of lines stays at or below, in bit/s.
func (a *Access) uplink(share float64) int64 { return a.quantile(a.Upload, share) }

// downlink likewise.
func (a *Access) downlink(share float64) int64 { return a.quantile(a.Download, share) }

// quantile goes evenly through the logarithms between two percentiles. Below the first
// and above the last it stays there: what lies beyond was not published.
func (a *Access) quantile(of []float64, share float64) int64 {
	p := share * 100
	i, _ := slices.BinarySearch(a.percentiles, p)
	switch i {
	case 0:
		return int64(of[0] * 1e6)
	case len(of):
		return int64(of[len(of)-1] * 1e6)
	}
	part := (p - a.percentiles[i-1]) / (a.percentiles[i] - a.percentiles[i-1])
	return int64(1e6 * math.Exp(math.Log(of[i-1])*(1-part)+math.Log(of[i])*part))
}

// Ceiling is the share of a stream of that bitrate that viewers of a country could give
// each other: the mean of what each may upload, by the bitrate.
func Ceiling(country string, bitrate int64, nonUploaders float64, p policy.Params) (float64, error) {
	a, err := access(country)
	if err != nil {
		return 0, err
	}
	const steps = 10_000
	sum := 0.0
	for i := range steps {
		sum += supply(a.uplink((float64(i)+.5)/steps), bitrate, p)
	}
	return min(1, sum/steps*(1-nonUploaders)/float64(bitrate)), nil
}

// supply is what a viewer with that uplink may upload, bit/s.
func supply(uplink, bitrate int64, p policy.Params) float64 {
	return min(p.Share*float64(uplink), p.CapFactor*float64(bitrate), float64(p.Cap))
}
