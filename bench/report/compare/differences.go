package compare

import (
	"fmt"
	"maps"
	"slices"

	"github.com/freshet-live/freshet/bench/report"
)

// differences are what is not the same around the figures.
func differences(a, b *report.Document) []Difference {
	var out []Difference
	differ := func(name, a, b string) {
		if a != b {
			out = append(out, Difference{name, a, b})
		}
	}
	differ("tool", a.Run.Tool, b.Run.Tool)
	differ("version", a.Run.Version, b.Run.Version)
	differ("commit", a.Run.Commit, b.Run.Commit)
	differ("machine", machine(a.Run.Machine), machine(b.Run.Machine))
	differ("seed", seed(a.Run), seed(b.Run))
	differ("complete", fmt.Sprint(a.End != nil), fmt.Sprint(b.End != nil))
	keys := maps.Clone(a.Run.Settings)
	if keys == nil {
		keys = make(map[string]string)
	}
	maps.Copy(keys, b.Run.Settings)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		differ(key, a.Run.Settings[key], b.Run.Settings[key])
	}
	verdicts := make(map[string]string)
	for _, c := range b.Checks {
		verdicts[c.Name] = verdict(c)
	}
	for _, c := range a.Checks {
		if v, ok := verdicts[c.Name]; ok {
			differ("check "+c.Name, verdict(c), v)
		}
	}
	return out
}

func machine(m report.Machine) string {
	return fmt.Sprintf("%s, %d cores, kernel %s, %s", m.CPU, m.Cores, m.Kernel, m.Go)
}

func seed(r report.Run) string {
	if r.Seed == nil {
		return "none"
	}
	return fmt.Sprint(*r.Seed)
}

func verdict(c report.Check) string {
	switch {
	case c.Passed:
		return "passed"
	case c.Skipped != "":
		return "not judged"
	}
	return "failed"
}
