package sweep

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// pinTree keeps a process, with all its threads, on the processors from first to below
// end. What it starts later stays there, too.
func pinTree(pid, first, end int) error {
	var set unix.CPUSet
	for i := first; i < end; i++ {
		set.Set(i)
	}
	// A thread that begins while the list is read may be missed: read it again.
	for range 2 {
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			return fmt.Errorf("pin process %d: %w", pid, err)
		}
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil {
				return fmt.Errorf("pin process %d: %w", pid, err)
			}
			if err := unix.SchedSetaffinity(id, &set); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("pin process %d to processors %d to %d: %w", pid, first, end-1, err)
			}
		}
	}
	return nil
}
