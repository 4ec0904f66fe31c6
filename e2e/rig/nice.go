package rig

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// Renice sets the niceness of a process with all its threads, on Linux: what
// loads a gateway is on machines of its own outside a benchmark, and takes no
// processor away from it.
func Renice(pid, nice int) error {
	if nice == 0 {
		return nil
	}
	// A niceness is a thread's, and new threads take over that of theirs.
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return fmt.Errorf("set the niceness: %w", err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			return fmt.Errorf("set the niceness: %w", err)
		}
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, id, nice); err != nil {
			return fmt.Errorf("set the niceness: %w", err)
		}
	}
	return nil
}
