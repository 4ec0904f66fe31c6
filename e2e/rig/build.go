package rig

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Build compiles the gateway into dir, as the image does, and returns the
// binary's path.
func Build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "freshet")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "github.com/freshet-live/freshet/cmd/freshet")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the gateway: %w\n%s", err, out)
	}
	return binary, nil
}
