package rig

import (
	"os"
	"os/exec"
)

// Test is what Need wants of a *testing.T. Programs that are no tests use this package
// as well, and should not have the package testing in them.
type Test interface {
	Helper()
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// Need skips a test whose foreign programs are not installed; on CI, where
// nobody reads the skips, it fails.
func Need(tb Test, programs ...string) {
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
