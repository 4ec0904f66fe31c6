package moq

import (
	"context"
	"errors"
	"fmt"

	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
)

// Subscribe implements relay.Upstream for the public tracks.
func (b *broadcast) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	if t.Name() == msf.TrackName {
		// Whole in each group, so the newest is enough.
		return b.source.Subscribe(ctx, t, accepted)
	}
	select {
	case <-b.known:
	case <-ctx.Done():
		return context.Cause(ctx)
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
	if cmaf {
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
	d := b.raw.Demand(t.Name())
	defer d.Release()
	raw, err := d.Track(ctx)
	if err != nil {
		return err
	}
	accepted(relay.TrackConfig{Window: b.in.cfg.Window, Priority: raw.Priority(), Properties: raw.Properties()})
	c := &check{b: b, to: t, checker: cmaf.Checker{Video: info.IsVideo}}
	r := raw.NewReader(relay.ReaderConfig{Whole: true})
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
	checker cmaf.Checker
	group   *relay.Group // nil between groups.
	id      uint64       // Of the group that was begun last.
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
	if err := c.checker.Check(c.id, first, item.Object.Payload); err != nil {
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
