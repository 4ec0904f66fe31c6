package msf

import (
	"encoding/json"
	"fmt"

	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

// parseSwarm takes the keys of the swarm in, or leaves all of it out.
func (c *Catalog) parseSwarm(raw json.RawMessage) {
	var keys *beacon.Keys
	if err := json.Unmarshal(raw, &keys); err == nil {
		c.Swarm = keys
	}
	if c.Swarm != nil && c.validateSwarm() == nil {
		return
	}
	c.Swarm = nil
	for i := range c.Tracks {
		c.Tracks[i].Beacons = ""
	}
}

// validateSwarm holds to the rules of docs/swarm-protocol.md: a track of beacons is
// of one track and is not listed as one, and keys come with it.
func (c *Catalog) validateSwarm() error {
	if c.Swarm != nil {
		if err := c.Swarm.Validate(); err != nil {
			return fmt.Errorf("%w: swarm: %w", ErrInvalid, err)
		}
	}
	taken := map[string]bool{TrackName: true}
	for _, t := range c.Tracks {
		taken[t.Name] = true
	}
	for _, t := range c.Tracks {
		switch {
		case t.Beacons == "":
		case c.Swarm == nil:
			return fmt.Errorf("%w: beacons %q without keys", ErrInvalid, t.Beacons)
		case taken[t.Beacons]:
			return fmt.Errorf("%w: beacons %q are another track", ErrInvalid, t.Beacons)
		default:
			taken[t.Beacons] = true
		}
	}
	return nil
}
