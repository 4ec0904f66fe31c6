//go:build !linux

package shards

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

var errUnsupported = fmt.Errorf("sharing an address among processes: %w but on Linux", errors.ErrUnsupported)

func reusePort(syscall.RawConn) error { return errUnsupported }

func steer(*os.File, int) error { return errUnsupported }
