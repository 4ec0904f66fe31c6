package configs

import (
	"embed"
	"fmt"
)

//go:embed tiers-*.yaml
var tiers embed.FS

// TierExample is the file that people start a node of a tier from: origin, mid or edge.
func TierExample(tier string) (string, error) {
	text, err := tiers.ReadFile("tiers-" + tier + ".yaml")
	if err != nil {
		return "", fmt.Errorf("there is no example of the tier %q", tier)
	}
	return string(text), nil
}
