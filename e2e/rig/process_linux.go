package rig

import "syscall"

// dieWithParent makes the kernel kill the program if the test dies by a panic
// or by its own time limit, when no clean-up runs.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
