package moq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
)

// Subscribe implements relay.Upstream for the public tracks.
func (b *broadcast) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	select {
	case <-b.known:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if from := b.loc.track(t.Name()); from != nil {
		return b.copied(ctx, from, t, nil, b.in.cfg.Window, accepted)
	}
	if t.Name() == msf.TrackName {
		// Whole in each group, so the newest is enough. It is read here, too.
		return b.fromRaw(ctx, t, nil, 0, accepted)
	}
	header, ok, err := b.cmaf(t.Name())
	if err != nil {
		return err
	}
	if ok {
		return b.checked(ctx, t, header, accepted)
	}
	return b.source.Subscribe(ctx, t, func(cfg relay.TrackConfig) {
		cfg.Window = b.in.cfg.Window
		accepted(cfg)
	})
}

// Fetch implements relay.Upstream: what is not in the log was not checked either.
func (b *broadcast) Fetch(ctx context.Context, t *relay.Track, start, end relay.Location, emit func(uint64, relay.Object) error) error {
	b.mu.Lock()
	_, cmaf := b.cmafLocked(t.Name())
	b.mu.Unlock()
	if cmaf || b.loc.track(t.Name()) != nil {
		return fmt.Errorf("the past of a published track: %w", errors.ErrUnsupported)
	}
	return b.source.Fetch(ctx, t, start, end, emit)
}

// checked fills t with those chunks of the publisher's track that are sound.
func (b *broadcast) checked(ctx context.Context, t *relay.Track, header []byte, accepted func(relay.TrackConfig)) error {
	info, err := cmaf.ReadHeader(header)
	if err != nil {
		return err
	}
	return b.fromRaw(ctx, t, &cmaf.Checker{Video: info.IsVideo}, b.in.cfg.Window, accepted)
}

// fromRaw fills t with the publisher's track, as far as it is sound.
func (b *broadcast) fromRaw(ctx context.Context, t *relay.Track, checker *cmaf.Checker, window time.Duration, accepted func(relay.TrackConfig)) error {
	d := b.raw.Demand(t.Name())
	defer d.Release()
	raw, err := d.Track(ctx)
	if err != nil {
		return err
	}
	return b.copied(ctx, raw, t, checker, window, accepted)
}

// copied fills t with what is in another relay.
func (b *broadcast) copied(ctx context.Context, from, t *relay.Track, checker *cmaf.Checker, window time.Duration, accepted func(relay.TrackConfig)) error {
	cfg := relay.TrackConfig{Window: window, Priority: from.Priority(), Properties: from.Properties()}
	if l, ok := from.Largest(); ok {
		cfg.Started = &l
	}
	accepted(cfg)
	c := &check{b: b, to: t, checker: checker}
	r := from.NewReader(relay.ReaderConfig{Whole: true})
	for {
		item, err := r.Next(ctx)
		if err != nil {
			return err
		}
		if err := c.take(item); err != nil {
			return err
		}
	}
}

// check passes one track's chunks on.
type check struct {
	b       *broadcast
	to      *relay.Track
	checker *cmaf.Checker // nil where there is nothing to check.
	group   *relay.Group  // nil between groups.
	id      uint64        // Of the group that was begun last.
	begun   bool
	spoilt  bool // What is left of the group is of no use.
}

// take passes an item on, or leaves it out. The error ends the track.
func (c *check) take(item relay.Item) error {
	if item.End {
		c.end(item.Cut)
		return nil
	}
	c.b.touch()
	first := !c.begun || item.Location.Group != c.id
	if first {
		c.end(true)
		c.id, c.begun, c.spoilt = item.Location.Group, true, false
	}
	if c.spoilt {
		return nil
	}
	if item.Object.Status != relay.StatusNormal {
		return nil
	}
	if err := c.sound(first, &item.Object); err != nil {
		c.b.in.malformed.WithLabelValues(rule(err)).Inc()
		c.b.in.log.Warn("rest of a group left out", "broadcast", string(c.b.public.Namespace()),
			"track", c.to.Name(), "group", c.id, "object", item.Object.ID, "error", err)
		c.spoilt = true
		c.end(true)
		return nil
	}
	if c.group == nil {
		g, err := c.to.NewGroup(c.id)
		if err != nil {
			return err
		}
		c.group = g
	}
	return c.group.Insert(item.Object)
}

func (c *check) sound(first bool, o *relay.Object) error {
	if c.checker == nil {
		return nil
	}
	return c.checker.Check(c.id, first, o.Payload)
}

// end closes the group that is open.
func (c *check) end(cut bool) {
	if c.group == nil {
		return
	}
	if cut {
		c.group.Abort()
	} else {
		c.group.Close()
	}
	c.group = nil
}

// rule names what a chunk breaks, for the metric.
func rule(err error) string {
	switch {
	case errors.Is(err, cmaf.ErrGroupStart):
		return "group_start"
	case errors.Is(err, cmaf.ErrDecodeOrder):
		return "decode_order"
	}
	return "chunk"
}
