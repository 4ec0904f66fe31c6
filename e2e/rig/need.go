package rig

import (
	"os"
	"os/exec"
	"testing"
)

// Need skips a test whose foreign programs are not installed; on CI, where
// nobody reads the skips, it fails.
func Need(tb testing.TB, programs ...string) {
	tb.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			tb.Fatalf("%s is not installed: scripts/install-tools installs it", program)
		}
		tb.Skipf("%s is not installed: scripts/install-tools installs it", program)
	}
}
