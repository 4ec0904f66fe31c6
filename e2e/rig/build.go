package rig

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Build compiles the gateway into dir and returns the binary's path. The flags
// are those of `go test`, so that both share what is compiled already.
func Build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "freshet")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/freshet-live/freshet/cmd/freshet") //nolint:gosec // our own source
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the gateway: %w\n%s", err, out)
	}
	return binary, nil
}
