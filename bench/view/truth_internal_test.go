package view

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/mark"
	"github.com/freshet-live/freshet/relay"
)

// A part is late by what went by since its last picture was sent, to each viewer, but to
// one who asked for the past or had it before.
func TestDelaySinceTheLastPicture(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	part := []byte("moofmdat")
	for i, ago := range []time.Duration{500 * time.Millisecond, 100 * time.Millisecond} {
		part = append(mark.Mark{Sequence: uint64(i), Sent: now.Add(-ago)}.Append(part, false), "slice"...)
	}
	truth := newTruth("video")
	see := func(payload []byte, object uint64, after time.Duration, past, again bool) {
		at := item{Location: relay.Location{Group: 1, Object: object}, payload: payload, arrived: now.Add(after), past: past}
		truth.see(at, &watcher{class: steady}, again)
	}
	see(part, 0, 0, false, false)
	see(part, 0, 200*time.Millisecond, false, false)
	see(part, 0, time.Second, true, false)
	see(part, 0, time.Second, false, true)
	see([]byte("audio"), 1, time.Second, false, false)
	h := &truth.published[steady]
	if h.Count() != 2 || h.Min() != .1 || h.Max() != .3 {
		t.Errorf("%d delays from %v to %v s", h.Count(), h.Min(), h.Max())
	}
}
