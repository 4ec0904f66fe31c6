//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package certs

import (
	"fmt"
	"os"
	"syscall"
)

// lock keeps other processes from Config.Dir, which nodes may share, until release.
func (s *Source) lock() (release func(), err error) {
	if s.cfg.Dir == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("keep certificate: %w", err)
	}
	dir, err := os.Open(s.cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("keep certificate: %w", err)
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		s.log.Warn("the folder of certificates cannot be locked; nodes that share it may make one each", "err", err)
	}
	return func() { _ = dir.Close() }, nil // With which the lock is gone.
}
