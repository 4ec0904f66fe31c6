package moq

import (
	"context"
	"time"

	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
)

// uncheckedWindow is how long what came may wait to be looked at: a publisher whose path
// stood brings many groups at once, and a busy machine looks at them late. The payloads
// of CMAF tracks are held by the checked track anyway.
const uncheckedWindow = 10 * time.Second

// unchecked is a publisher whose tracks stay until they are looked at.
type unchecked struct{ relay.Upstream }

// Subscribe implements relay.Upstream.
func (u unchecked) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	return u.Upstream.Subscribe(ctx, t, func(cfg relay.TrackConfig) {
		if t.Name() != msf.TrackName { // The newest catalog is enough.
			cfg.Window = uncheckedWindow
		}
		accepted(cfg)
	})
}
