package proc

import (
	"os"
	"strings"
	"testing"
	"time"
)

// line is a process whose name tries to mislead.
const line = "4242 (a) R 1 (b) S 17 4242 4242 0 -1 4194560 100 0 0 0 250 50 30 20 20 0 8 0 12345 1000000 2048 18446744073709551615 1 1 0 0\n"

func TestParseStat(t *testing.T) {
	s, err := ParseStat([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	want := Stat{PID: 4242, Parent: 17, CPU: 3 * time.Second, Reaped: 500 * time.Millisecond, RSS: 2048 * int64(os.Getpagesize())}
	if s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	for name, bad := range map[string]string{
		"empty": "", "no name": "12 S 1 2 3", "brackets the wrong way": "12 )( S 1", "cut off": line[:60],
		"no number": "x" + line, "letters in a field": strings.Replace(line, " 250 ", " ten ", 1),
	} {
		if s, err := ParseStat([]byte(bad)); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte(line))
	f.Add([]byte("1 () S"))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = ParseStat(b) })
}

func FuzzParseMachine(f *testing.F) {
	f.Add([]byte("cpu  1 2 3 4 5 6 7 8 0 0\n"))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = ParseMachine(b) })
}

func TestSumTakesAProgramWithItsChildren(t *testing.T) {
	all := []Stat{
		{PID: 1, CPU: time.Hour},
		{PID: 10, Parent: 1, CPU: time.Second, Reaped: time.Millisecond, RSS: 100},
		{PID: 11, Parent: 10, CPU: 2 * time.Second, RSS: 10},
		{PID: 12, Parent: 11, CPU: 4 * time.Second, RSS: 1},
		{PID: 13, Parent: 1, CPU: 8 * time.Second, RSS: 1000},
	}
	u, err := sum(10, all)
	if want := (Usage{CPU: 7*time.Second + time.Millisecond, RSS: 111, Processes: 3}); err != nil || u != want {
		t.Errorf("%+v, %v; want %+v", u, err, want)
	}
	if u, err := sum(99, all); err == nil {
		t.Errorf("a process that is not there uses %+v", u)
	}
	if u, _ := sum(2, []Stat{{PID: 2, Parent: 3}, {PID: 3, Parent: 2}}); u.Processes != 2 {
		t.Errorf("a circle is %d processes", u.Processes)
	}
}

func TestParseMachine(t *testing.T) {
	m, err := ParseMachine([]byte("cpu  100 10 40 800 50 1 4 30 0 0\ncpu0 1 2 3\n"))
	want := Machine{Busy: 1550 * time.Millisecond, Idle: 8500 * time.Millisecond, Stolen: 300 * time.Millisecond}
	if err != nil || m != want {
		t.Errorf("%+v, %v; want %+v", m, err, want)
	}
	for _, bad := range []string{"", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2", "cpu a b c d e f g h"} {
		if m, err := ParseMachine([]byte(bad)); err == nil {
			t.Errorf("%q: %+v", bad, m)
		}
	}
	if share := (Machine{Busy: 3, Idle: 1}).IdleShare(); share != 0.25 {
		t.Errorf("idle share %v", share)
	}
}

// What this process uses is there to be read, and rises.
func TestReadThisProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
	before, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; {
		now, err := Read(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if now.CPU > before.CPU && now.RSS > 1<<20 {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("a busy minute later %+v is %+v", before, now)
		}
	}
	tree, err := Tree(os.Getpid())
	if err != nil || tree.Processes < 1 || tree.CPU < before.CPU {
		t.Errorf("%+v, %v", tree, err)
	}
}
