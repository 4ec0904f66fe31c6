package impair

import (
	"io/fs"
	"testing"
	"time"
)

// drive sends some packets through a path and asks for nothing but an end.
func drive(t *testing.T, p *Path) {
	t.Helper()
	for _, d := range []Direction{Up, Down} {
		plan, err := p.Plan(d)
		if err != nil {
			t.Fatal(err) // Check had nothing against it.
		}
		link := NewLink[int](plan, 1, uint64(d))
		var now time.Duration
		for i := range 50 {
			link.Send(now, 1200, i)
			now += 10 * time.Millisecond
			for _, out := range link.Advance(now, nil) {
				if out.At < 0 || out.At > now {
					t.Fatalf("left at %v, now is %v", out.At, now)
				}
			}
		}
	}
}

func FuzzScenario(f *testing.F) {
	files, err := fs.Glob(shipped, "scenarios/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := shipped.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("links: [{both: {gilbert: 'p=1%,r=25%', jitter: 1h}, timeline: [{at: 0s, for: 1s, both: {stall: true}}], repeat: 1s}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseScenario(text)
		if err != nil {
			return
		}
		for i := range s.Links {
			if s.Links[i].Check() == nil {
				drive(t, &s.Links[i])
			}
		}
	})
}

func FuzzTrace(f *testing.F) {
	f.Add([]byte("10\n10\n25\n40\n"))
	f.Add([]byte("time_s,rate_kbit,delay_ms,jitter_ms,loss_percent\n0,12000,40,5,0.1\n2.5,3000,60,10,1\n4,,,,\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		read, err := parseTrace(text)
		if err != nil {
			return
		}
		path := Path{traces: [2]trace{read, read}}
		if path.Check() == nil {
			drive(t, &path)
		}
	})
}
