package impair

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// tunnel is a path between two TUN devices: what the first sends goes up.
type tunnel struct {
	name    string
	lanes   [2]*lane
	devices [2]*tun
	closed  atomic.Bool
}

func newTunnel(name string, lanes [2]*lane, devices []Device) (carrier, error) {
	t := &tunnel{name: name, lanes: lanes}
	for i, d := range devices {
		device, err := openTUN(d)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: tun %s: %w", name, d.Name, err), t.close())
		}
		t.devices[i] = device
	}
	lanes[Up].write, lanes[Down].write = t.devices[1].write, t.devices[0].write
	return t, nil
}

func (t *tunnel) run(ctx context.Context) error {
	return carry(ctx, t.lanes, func(ctx context.Context, group *errgroup.Group) {
		for d := range t.lanes {
			group.Go(func() error { return t.receive(ctx, d) })
		}
	}, t.close)
}

// receive reads a device; a TUN device gives one IP packet a call.
func (t *tunnel) receive(ctx context.Context, d int) error {
	buffer := make([]byte, 65536)
	var bytes slab
	for {
		n, err := t.devices[d].Read(buffer)
		if err != nil {
			return t.unless(ctx, err)
		}
		t.lanes[d].take([]datagram{{data: bytes.keep(buffer[:n])}})
	}
}

// unless is an error of reading, none once the end was asked for.
func (t *tunnel) unless(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return fmt.Errorf("%s: tun: %w", t.name, err)
	}
}

// write gives packets to the device, those that are duplicated twice.
func (t *tun) write(due []Departure[datagram]) (unsent int) {
	for _, d := range due {
		copies := 1
		if d.Duplicated {
			copies = 2
		}
		for range copies {
			if _, err := t.Write(d.Packet.data); err != nil {
				unsent++
			}
		}
	}
	return unsent
}

func (t *tunnel) close() error {
	t.closed.Store(true)
	var errs []error
	for _, d := range t.devices {
		if d != nil {
			d.look()
			errs = append(errs, d.Close(), d.counters.Close())
		}
	}
	return errors.Join(errs...)
}

func (t *tunnel) ends() string { return t.devices[0].name + " > " + t.devices[1].name }

func (t *tunnel) readings() []Reading {
	out := make([]Reading, len(t.lanes))
	for i, l := range t.lanes {
		if !t.closed.Load() {
			t.devices[i].look()
		}
		out[i] = l.reading(Reading{Link: t.name, Direction: Direction(i)})
		out[i].OwnLoss, out[i].OwnLossKnown = t.devices[i].drops.Load(), true
	}
	return out
}

// look reads what the device's own queue dropped: column 12 of /proc/net/dev, the
// drops of sending, since the kernel sends what we read.
func (t *tun) look() {
	text := make([]byte, 64<<10)
	n, _ := t.counters.ReadAt(text, 0)
	for line := range bytes.Lines(text[:n]) {
		name, counters, ok := bytes.Cut(line, []byte(":"))
		if !ok || string(bytes.TrimSpace(name)) != t.name {
			continue
		}
		if fields := bytes.Fields(counters); len(fields) > 11 {
			drops, _ := strconv.ParseUint(string(fields[11]), 10, 64)
			t.drops.Store(drops)
		}
	}
}

// tun is an open TUN device.
type tun struct {
	*os.File
	name string
	// counters is /proc/net/dev of the device's namespace.
	counters *os.File
	drops    atomic.Uint64
}
