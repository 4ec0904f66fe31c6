package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Machine is processor time of all processors since the machine started.
type Machine struct {
	Busy, Idle time.Duration
	// Stolen is what the host of a virtual machine gave to others; it is in neither.
	Stolen time.Duration
}

// ReadMachine reads /proc/stat.
func ReadMachine() (Machine, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Machine{}, fmt.Errorf("read the machine's load: %w", err)
	}
	return ParseMachine(text)
}

// ParseMachine reads the first line of /proc/stat: user, nice, system, idle, iowait,
// irq, softirq, steal.
func ParseMachine(text []byte) (Machine, error) {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 9 || string(fields[0]) != "cpu" {
		return Machine{}, errors.New("read the machine's load: /proc/stat does not begin with the sum of its processors")
	}
	var m Machine
	for i, field := range fields[1:9] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return Machine{}, fmt.Errorf("read the machine's load: %w", err)
		}
		d := time.Duration(n) * tick
		switch i {
		case 3, 4:
			m.Idle += d
		case 7:
			m.Stolen = d
		default:
			m.Busy += d
		}
	}
	return m, nil
}

// Since is what was used after an earlier reading.
func (m Machine) Since(earlier Machine) Machine {
	return Machine{m.Busy - earlier.Busy, m.Idle - earlier.Idle, m.Stolen - earlier.Stolen}
}

// IdleShare is from 0, all processors at work, to 1.
func (m Machine) IdleShare() float64 {
	if m.Busy+m.Idle <= 0 {
		return 1
	}
	return float64(m.Idle) / float64(m.Busy+m.Idle)
}
