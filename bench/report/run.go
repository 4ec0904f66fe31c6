package report

import (
	"bufio"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// Format is the version of the lines; it rises when a name changes its meaning.
const Format = 1

// Run is what was run, when and where: the first line.
type Run struct {
	Format  int    `json:"format"` // Set by New.
	Tool    string `json:"tool"`   // "bench view".
	Title   string `json:"title,omitempty"`
	Version string `json:"version,omitempty"`
	// Commit is that of the source, with "+dirty" where files were changed.
	Commit  string    `json:"commit,omitempty"`
	Machine Machine   `json:"machine"`
	Seed    *uint64   `json:"seed,omitempty"` // Nil where chance has no part.
	Start   time.Time `json:"start"`          // Zero means the call of New.
	// Duration is how long the run is meant to take, 0 where that is open.
	Duration Seconds `json:"duration,omitempty"`
	// Settings are the flags that count, in the words of the command line.
	Settings map[string]string `json:"settings,omitempty"`
}

// Machine is where a tool ran.
type Machine struct {
	CPU    string `json:"cpu,omitempty"`
	Cores  int    `json:"cores"` // That the process may use.
	Memory uint64 `json:"memory_bytes,omitempty"`
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	Kernel string `json:"kernel,omitempty"`
	Go     string `json:"go"`
	// Load is the load average of the minute before the run: what else was going on.
	Load *float64 `json:"load_1m,omitempty"`
}

// Here is this machine, as far as it tells.
func Here() Machine {
	m := Machine{Cores: runtime.NumCPU(), OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version()}
	m.CPU = field("/proc/cpuinfo", "model name")
	if kilobytes, _, ok := strings.Cut(field("/proc/meminfo", "MemTotal"), " "); ok {
		n, _ := strconv.ParseUint(kilobytes, 10, 54)
		m.Memory = n * 1024
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	m.Kernel = strings.TrimSpace(string(kernel))
	load, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(load), " ")
	if v, err := strconv.ParseFloat(first, 64); err == nil {
		m.Load = &v
	}
	return m
}

// field is the first value of a name in a file of "name: value" lines.
func field(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// commit is that of the source this program was built from, if the Go tool knew it.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var revision, dirty string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + dirty
}
