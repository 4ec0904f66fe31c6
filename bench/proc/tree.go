package proc

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// Usage is what a program and all its children use.
type Usage struct {
	CPU       time.Duration // Those that ended and were waited for included.
	RSS       int64         // Bytes; what they share counts for each.
	Processes int
}

// Tree reads a program with all its children and theirs.
func Tree(pid int) (Usage, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return Usage{}, fmt.Errorf("read processes: %w", err)
	}
	var all []Stat
	for _, entry := range entries {
		n, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if s, err := Read(n); err == nil { // Else it has ended since.
			all = append(all, s)
		}
	}
	return sum(pid, all)
}

// sum adds up a process and those below it.
func sum(root int, all []Stat) (Usage, error) {
	children := make(map[int][]Stat)
	var u Usage
	var queue []Stat
	for _, s := range all {
		children[s.Parent] = append(children[s.Parent], s)
		if s.PID == root {
			queue = append(queue, s)
		}
	}
	if len(queue) == 0 {
		return u, fmt.Errorf("there is no process %d", root)
	}
	// Each has one parent, and is taken once: what was read at different times may
	// hold a circle.
	taken := make(map[int]bool)
	for ; len(queue) > 0; queue = queue[1:] {
		s := queue[0]
		if taken[s.PID] {
			continue
		}
		taken[s.PID] = true
		u.CPU += s.CPU + s.Reaped
		u.RSS += s.RSS
		u.Processes++
		queue = append(queue, children[s.PID]...)
	}
	return u, nil
}
