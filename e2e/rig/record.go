package rig

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Recording is what a MoQ subscriber gets of a broadcast.
type Recording struct {
	client  *moqt.Client
	catalog *msf.Catalog
	tracks  map[string]chan moqt.Object
}

// maxRecorded bounds what a recording holds of a track.
const maxRecorded = 1 << 14

// Record subscribes to every track of a broadcast, as soon as there is one.
func Record(ctx context.Context, client *moqt.Client, ns relay.Namespace) (*Recording, error) {
	catalog, err := firstCatalog(ctx, client, ns)
	if err != nil {
		return nil, err
	}
	r := &Recording{client: client, catalog: catalog, tracks: map[string]chan moqt.Object{}}
	for _, track := range catalog.Tracks {
		objects := make(chan moqt.Object, maxRecorded)
		r.tracks[track.Name] = objects
		_, err := client.Subscribe(ctx, ns, track.Name, moqt.SubscribeOptions{
			Filter: &wire.Filter{Type: wire.LargestObject},
			OnObject: func(o moqt.Object) {
				if !o.End {
					objects <- o
				}
			},
		})
		if err != nil {
			return nil, fmt.Errorf("subscribe to %s of %s: %w", track.Name, ns, err)
		}
	}
	return r, nil
}

// firstCatalog asks until the broadcast is there.
func firstCatalog(ctx context.Context, client *moqt.Client, ns relay.Namespace) (*msf.Catalog, error) {
	for {
		catalog, err := Catalog(ctx, client, ns)
		if err == nil {
			return catalog, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %s: %w", ns, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Catalog is what Record found.
func (r *Recording) Catalog() *msf.Catalog { return r.catalog }

// File is what a track's header and all its objects so far make together: a
// fragmented MP4 file. Objects before the first whole group are left out.
func (r *Recording) File(track msf.Track) ([]byte, error) {
	init, ok := r.catalog.Init(track)
	if !ok {
		return nil, fmt.Errorf("the catalog has no header for %s", track.Name)
	}
	var objects []moqt.Object
	for range len(r.tracks[track.Name]) {
		objects = append(objects, <-r.tracks[track.Name])
	}
	slices.SortFunc(objects, func(a, b moqt.Object) int {
		return cmp.Or(cmp.Compare(a.Location.Group, b.Location.Group), cmp.Compare(a.Location.Object, b.Location.Object))
	})
	start := slices.IndexFunc(objects, func(o moqt.Object) bool { return o.Location.Object == 0 })
	if start < 0 {
		return nil, fmt.Errorf("%d objects of %s, and no group from its start", len(objects), track.Name)
	}
	file := bytes.NewBuffer(slices.Clone(init))
	for n, o := range objects[start:] {
		if n > 0 && !follows(objects[start+n-1].Location, o.Location) {
			return nil, fmt.Errorf("object %v of %s follows %v", o.Location, track.Name, objects[start+n-1].Location)
		}
		file.Write(o.Payload)
	}
	return file.Bytes(), nil
}

func follows(a, b relay.Location) bool {
	if a.Group == b.Group {
		return b.Object == a.Object+1
	}
	return b.Group == a.Group+1 && b.Object == 0
}
