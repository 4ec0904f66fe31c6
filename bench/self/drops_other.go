//go:build !linux

package self

import "syscall"

// Drops is not known here.
type Drops struct{}

// NewDrops watches no socket.
func NewDrops() *Drops { return &Drops{} }

// Watch does nothing here.
func (*Drops) Watch(int, syscall.Conn) {}

// Read does nothing here.
func (*Drops) Read() {}

// Total is not known here.
func (*Drops) Total(int) (sum uint64, known bool) { return 0, false }
