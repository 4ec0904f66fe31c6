package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is the unit of times in /proc: USER_HZ, 100 Hz on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// Stat is one process, at one time.
type Stat struct {
	PID, Parent int
	// CPU is what it used, in user mode and in the kernel; Reaped what its children
	// did that have ended and were waited for.
	CPU, Reaped time.Duration
	RSS         int64 // Bytes.
}

// Fields of /proc/PID/stat behind the name, counted from the state, which is 0.
const (
	fieldParent = 1
	fieldUser   = 11 // utime, stime, cutime and cstime follow each other.
	fieldRSS    = 21 // In pages.
)

// ParseStat reads a line of /proc/PID/stat.
func ParseStat(line []byte) (Stat, error) {
	open, end := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')') // The name may hold anything.
	if open < 0 || end < open {
		return Stat{}, fmt.Errorf("%q is no line of /proc/PID/stat: it has no name in brackets", clip(line))
	}
	fields := bytes.Fields(line[end+1:])
	if len(fields) <= fieldRSS {
		return Stat{}, fmt.Errorf("%q is no line of /proc/PID/stat: it has %d fields behind the name", clip(line), len(fields))
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(line[:open])))
	if err != nil {
		return Stat{}, fmt.Errorf("read a process's number: %w", err)
	}
	var n [6]int64
	for i, at := range []int{fieldParent, fieldUser, fieldUser + 1, fieldUser + 2, fieldUser + 3, fieldRSS} {
		if n[i], err = strconv.ParseInt(string(fields[at]), 10, 64); err != nil {
			return Stat{}, fmt.Errorf("read field %d of /proc/%d/stat: %w", at+3, pid, err)
		}
	}
	return Stat{
		PID: pid, Parent: int(n[0]),
		CPU: time.Duration(n[1]+n[2]) * tick, Reaped: time.Duration(n[3]+n[4]) * tick,
		RSS: n[5] * int64(os.Getpagesize()),
	}, nil
}

// clip is what of a line an error shows.
func clip(line []byte) []byte { return line[:min(len(line), 80)] }

// Read is a process by its number, alone.
func Read(pid int) (Stat, error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Stat{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	return ParseStat(line)
}
