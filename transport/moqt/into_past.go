package moqt

import (
	"errors"

	"github.com/freshet-live/freshet/relay"
)

// pastFill takes in what a fetch brings. Its subgroups stay open for the streams of
// the subscription to go on with, at any time: whether a group is complete is not
// known from its past.
type pastFill struct {
	track     *relay.Track
	subgroups map[place]*relay.Subgroup // nil where a stream was there first.
	unknown   bool                      // Of some nobody knows whether they were.
}

type place struct{ group, subgroup uint64 }

func newPastFill(t *relay.Track) *pastFill {
	return &pastFill{track: t, subgroups: make(map[place]*relay.Subgroup)}
}

func (p *pastFill) take(group uint64, o relay.Object) error {
	if o.Status == relay.StatusUnknown {
		p.unknown = true
		return nil
	}
	g, err := p.track.OpenGroup(group)
	if err != nil {
		return err
	}
	if err = p.insert(g, o); errors.Is(err, relay.ErrClosed) {
		return nil // A group that has ended lacks nothing that could come.
	}
	return ignoreDuplicate(err)
}

func (p *pastFill) insert(g *relay.Group, o relay.Object) error {
	if !o.Datagram {
		if err := p.begin(g, o.Subgroup); err != nil {
			return err
		}
	}
	return g.Insert(o)
}

// begin keeps a subgroup open until suspend, unless a stream does.
func (p *pastFill) begin(g *relay.Group, subgroup uint64) error {
	at := place{g.ID(), subgroup}
	if _, ok := p.subgroups[at]; ok {
		return nil
	}
	to, err := g.OpenSubgroup(relay.SubgroupConfig{ID: subgroup, Yields: true})
	if err != nil && !errors.Is(err, relay.ErrExists) {
		return err
	}
	p.subgroups[at] = to
	return nil
}

func (p *pastFill) suspend() {
	for _, s := range p.subgroups {
		if s != nil {
			s.Suspend()
		}
	}
}
