package configs

// Swarm is for viewers who pass video on to each other (docs/swarm.md).
type Swarm struct {
	// Enabled makes an origin sign what it packages: a track of beacons beside each
	// video track, by which viewers know what other viewers sent them.
	Enabled bool `yaml:"enabled"`
	// Key is a PEM file with the Ed25519 key that stands for the streams of this
	// origin. Empty: one is made, and kept in Web.CertDir if that is set.
	Key string `yaml:"key"`
}

func (v *validator) swarm(c Swarm, n Node) {
	if c.Key != "" && n.Tier != TierOrigin {
		v.add("swarm.key", "belongs at origins alone: whoever has it can sign what viewers play")
	}
}
