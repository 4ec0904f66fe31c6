package rig

import (
	"os"
	"os/exec"
	"testing"
)

// Need skips a test whose foreign programs are not installed; on CI, where
// nobody reads the skips, it fails.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed: scripts/install-tools installs it", program)
		}
		t.Skipf("%s is not installed: scripts/install-tools installs it", program)
	}
}
