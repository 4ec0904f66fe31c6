package impair

import (
	"testing"
	"time"
)

// A link that is cut loses what arrives, and delivers what is on the way.
func TestCut(t *testing.T) {
	delay := 10 * time.Millisecond
	path := Path{Both: Settings{Delay: &delay}}
	plan, err := path.Plan(Up)
	if err != nil {
		t.Fatal(err)
	}
	n := &Network{lanes: [][2]*lane{{{link: NewLink[datagram](plan, 1, 0)}, {link: NewLink[datagram](plan, 1, 1)}}}}
	link := n.lanes[0][Up].link
	var fates []Reason
	for i, cut := range []bool{false, true, false} {
		n.Cut(0, cut)
		fates = append(fates, link.Send(time.Duration(i)*time.Millisecond, 100, datagram{}).Dropped)
	}
	if fates[0] != Delivered || fates[1] != Outage || fates[2] != Delivered {
		t.Errorf("fates %v", fates)
	}
	if out := link.Advance(time.Second, nil); len(out) != 2 {
		t.Errorf("%d of 2 packets arrived", len(out))
	}
}
