package steady

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// Track is the one track of a Source.
const Track = track

// Source publishes a broadcast of even chunks, 30 a second. Relay, Name and Kbits are
// required.
type Source struct {
	Relay *relay.Relay
	Name  relay.Namespace
	Kbits int
	// Published, if set, is told of each chunk by the time that it is stamped with.
	Published func(at time.Time)
}

// Run publishes until ctx ends, which is no error.
func (s *Source) Run(ctx context.Context) error {
	b, err := s.Relay.Publish(s.Name)
	if err != nil {
		return err
	}
	defer b.Close(nil)
	t, err := b.NewTrack(track, relay.TrackConfig{Window: window})
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	for id := uint64(1); ; id++ {
		group, err := t.NewGroup(id)
		if err != nil {
			return err
		}
		for range rate {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			o := stamped(Chunk(s.Kbits))
			if s.Published != nil {
				s.Published(o.Complete)
			}
			if err := group.Append(o); err != nil {
				return err
			}
		}
	}
}

// StampSize is what the time takes at the beginning of a payload.
const StampSize = 8

// PutStamp writes the time into the beginning of a payload.
func PutStamp(payload []byte, at time.Time) {
	binary.BigEndian.PutUint64(payload, uint64(at.UnixNano()))
}

// Stamp is when a payload was published, on the clock of its machine.
func Stamp(payload []byte) (time.Time, bool) {
	if len(payload) < StampSize {
		return time.Time{}, false
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(payload))), true
}
