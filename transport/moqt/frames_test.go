package moqt_test

import (
	"testing"
	"testing/synctest"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// TestManyViewersShareWhatTheyGet has viewers of all drafts on one track, so many
// that objects are framed once for each draft, and some who come later or read what
// the others have behind them.
func TestManyViewersShareWhatTheyGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t, nil)
		track := o.track("video")
		g := o.group(track, 5, 1)
		var live []*moqt.Subscription
		for range 5 {
			for _, protocol := range wire.Protocols() {
				live = append(live, subscribe(t, o.dial(protocol), "video", moqt.SubscribeOptions{
					Filter: &wire.Filter{Type: wire.LargestObject},
				}))
			}
		}
		for range 6 {
			o.object(g)
		}
		for _, sub := range live {
			expect(t, sub, "5/1", "5/2", "5/3", "5/4", "5/5", "5/6")
		}
		for _, protocol := range wire.Protocols() {
			late := subscribe(t, o.dial(protocol), "video", moqt.SubscribeOptions{})
			expect(t, late, "5/0", "5/1", "5/2", "5/3", "5/4", "5/5", "5/6")
			live = append(live, late)
		}
		g = o.group(track, 6, 3)
		o.object(g)
		for _, sub := range live {
			expect(t, sub, "5 end", "6/0", "6/1", "6/2", "6/3")
		}
	})
}
