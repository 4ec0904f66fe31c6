package sweep

import (
	"context"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/self"
)

func TestLimitOf(t *testing.T) {
	for _, tt := range []struct {
		name   string
		client bool
		idle   float64
		cores  float64
		pinned int
		want   Limit
	}{
		{"the client is full", true, .5, 1, 1, ByClient},
		{"the server's own processor is full", false, .3, .98, 1, ByServer},
		{"a full machine that both share", false, .01, 1, 0, ByMachine},
		{"a full machine, and the server has room", false, .01, .5, 1, ByMachine},
		{"room everywhere: it is slow by itself", false, .6, .4, 0, ByServer},
	} {
		if got := limitOf(self.Verdict{Limited: tt.client}, tt.idle, tt.cores, tt.pinned); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// crowdOf is viewers who got these chunks, published 100 ms apart, some of them late.
func crowdOf(from time.Time, chunks ...[]int) *crowd {
	c := &crowd{}
	for _, list := range chunks {
		v := &viewer{from: from, to: from.Add(time.Second)}
		for _, n := range list {
			v.stamps = append(v.stamps, from.Add(time.Duration(n)*100*time.Millisecond).UnixNano())
		}
		c.viewers = append(c.viewers, v)
	}
	return c
}

func TestTallyCountsWhatIsMissing(t *testing.T) {
	all := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	for _, tt := range []struct {
		name                 string
		chunks               [][]int
		expected, broadcasts int
		want                 tally
	}{
		{"all", [][]int{all, all}, 10, 1, tally{objects: 20}},
		{"one is missing", [][]int{all, all[1:]}, 10, 1, tally{objects: 19, missing: 1}},
		{"one viewer got nothing", [][]int{all, nil}, 10, 1, tally{objects: 10, missing: 10}},
		{"twice", [][]int{append([]int{3}, all...)}, 10, 1, tally{objects: 10, twice: 1}},
		{"after the end", [][]int{append([]int{10, 11}, all...)}, 10, 1, tally{objects: 10, twice: 0}},
		{"as many as the best", [][]int{all, all[2:]}, 0, 1, tally{objects: 18, missing: 2}},
		{"an end on either side", [][]int{all, all[1:]}, 10, 2, tally{objects: 19}},
	} {
		got := crowdOf(time.Unix(1_790_000_000, 0), tt.chunks...).tally(tt.expected, tt.broadcasts)
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestJudge(t *testing.T) {
	for name, tt := range map[string]struct {
		trial Trial
		pass  bool
	}{
		"all in time": {Trial{Objects: 10, Max: 999}, true},
		"late":        {Trial{Objects: 10, Max: 1001}, false},
		"missing":     {Trial{Objects: 9, Missing: 1}, false},
		"nothing":     {Trial{}, false},
	} {
		if tt.trial.judge(time.Second, nil); tt.trial.Passed != tt.pass || (tt.trial.Why == "") != tt.pass {
			t.Errorf("%s: %+v", name, tt.trial)
		}
	}
}

func TestFiguresOfATrial(t *testing.T) {
	trial := Trial{Load: Load{Viewers: 50, Broadcasts: 2}, Seconds: 5, Bytes: 2e9, Cores: 0.8}
	if trial.PerGB() != 2 || trial.GbitPerCore() != 4 || trial.ViewersPerCore() != 125 {
		t.Errorf("%v CPU-s/GB, %v Gbit/s and %v viewers per core", trial.PerGB(), trial.GbitPerCore(), trial.ViewersPerCore())
	}
}

func TestLoadHasBounds(t *testing.T) {
	good := Load{Viewers: 10, Kbits: 1000, Broadcasts: 1}
	for d, value := range map[Dimension]int{Viewers: 0, Bitrate: 1, Broadcasts: 100_000, Loss: 501, "colour": 1} {
		if l, err := good.with(d, value); err == nil {
			t.Errorf("%s %d: %+v", d, value, l)
		}
	}
	if l, err := good.with(Loss, 15); err != nil || l.Loss != 15 {
		t.Errorf("%+v, %v", l, err)
	}
}

// A client that has no room for another connection of its own is no fault of the server.
func TestWhoCannotOpenViewers(t *testing.T) {
	s := &sweep{}
	for name, tt := range map[string]struct {
		err    error
		client bool
	}{
		"no file left":      {os.NewSyscallError("socket", syscall.EMFILE), true},
		"no port left":      {&net.OpError{Op: "dial", Net: "udp", Err: os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)}, true},
		"refused by server": {&net.OpError{Op: "dial", Net: "udp", Err: os.NewSyscallError("read", syscall.ECONNREFUSED)}, false},
	} {
		c := &crowd{viewers: []*viewer{{err: tt.err}}}
		var trial Trial
		own := &server{pid: os.Getpid()}
		gather := func(ctx context.Context) error { return s.gather(ctx, c, own) }
		if err := s.gathered(t.Context(), &trial, own, gather); err != nil {
			t.Fatal(err)
		}
		if trial.Why == "" || trial.Passed || !trial.Client.Limited && (trial.Limit == ByClient) != tt.client {
			t.Errorf("%s: %+v", name, trial)
		}
	}
}
