//go:build !linux

package sweep

import "errors"

func pinTree(int, int, int) error { return errors.New("processes cannot be pinned to processors here") }
