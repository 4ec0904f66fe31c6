package swarm_test

import (
	"bytes"
	"testing"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// A piece is false by the packager's beacon alone: by one that the accuser made, to
// which a genuine piece does not fit, nobody is banned.
func TestOwnBeaconProvesNothing(t *testing.T) {
	inCity(t, nil, func(c *city) {
		t := c.t
		c.beaconsOf(1, 50_000)
		defer c.publish(60, 50_000)()
		liar, honest := c.visit("8.8.8.1", nil), c.visit("8.8.9.2", nil)
		defer liar.leave()
		defer honest.leave()
		watch(8*time.Second, liar, honest)
		liar.candidate(honest)
		liar.say(&wire.Link{Peer: honest.id(), State: policy.LinkOpen})
		own := beacon.Beacon{Group: 1, Time: 1}
		c.must(own.Describe(bytes.Repeat([]byte{7}, 50_000)))
		raw, err := own.Encode(nil)
		c.must(err)
		genuine := []byte(piecesOf(1, 50_000)[policy.PieceID{Group: 1, N: 1}])
		liar.say(&wire.Invalid{Peer: honest.id(), Group: 1, N: 1, Beacon: raw, Piece: genuine})
		time.Sleep(time.Second)
		if n := metric(t, c.reg, "freshet_swarm_accusations_total", "unproven"); n != 1 {
			t.Errorf("%v accusations are without proof", n)
		}
		if n := metric(t, c.reg, "freshet_swarm_bans_total"); n != 0 {
			t.Errorf("%v were banned", n)
		}
	})
}
