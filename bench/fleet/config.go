package fleet

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/freshet-live/freshet/configs"
)

var clusterSection = regexp.MustCompile(`(?m)^cluster:\n(?:  .*\n)+`)

// config is the example of the node's tier with this fleet's addresses and folders.
func (f *Fleet) config(name string) (string, error) {
	tier := Tier(name)
	text, err := configs.TierExample(tier)
	if err != nil {
		return "", err
	}
	switch {
	case f.cfg.External:
		text = clusterSection.ReplaceAllLiteralString(text, fmt.Sprintf("cluster:\n  nats: [%s]\n", f.natsURL()))
	case name == "mid-b": // A leaf.
		edge, err := configs.TierExample("edge")
		if err != nil {
			return "", err
		}
		text = clusterSection.ReplaceAllLiteralString(text, clusterSection.FindString(edge))
	}
	next := strings.NewReplacer("edge-a", "edge-b", "edge-b", "edge-c", "edge-c", "edge-a").Replace(name)
	replace := []string{
		"id: " + tier + "-a", "id: " + name,
		"url: moqt://" + tier + "-a.", "url: moqt://" + name + ".",
		"url: https://edge-b.", "url: https://" + next + ".",
		"  cert: /etc/freshet/public/fullchain.pem\n  key: /etc/freshet/public/privkey.pem\n", "  cert_dir: " + f.Dir + "\n",
		"/etc/freshet/tls", f.Dir,
		"/var/lib/freshet", filepath.Join(f.data, name),
	}
	text = strings.NewReplacer(replace...).Replace(text)
	for machine, m := range f.Machines {
		text = strings.ReplaceAll(text, machine+".example.com", m.Addr.String())
	}
	if f.cfg.EdgeDrain > 0 {
		text = strings.ReplaceAll(text, "deadline: 30s", "deadline: "+f.cfg.EdgeDrain.String())
	}
	if tier == "origin" {
		text += "\nquic:\n  publish: true\n\nmoq:\n  publish: true\n"
	}
	return text, nil
}
