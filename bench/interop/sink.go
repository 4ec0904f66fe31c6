package interop

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
)

// sink gathers what a subscription delivers.
type sink struct {
	sub *moqt.Subscription

	mu      sync.Mutex
	objects []moqt.Object // Guarded by mu. In the order of arrival.
	ends    []moqt.Object // Guarded by mu. Of streams.
	changed chan struct{} // One slot.
}

// follow subscribes to the data track.
func follow(e *env, c *moqt.Client, o moqt.SubscribeOptions) (*sink, error) {
	k := &sink{changed: make(chan struct{}, 1)}
	o.OnObject, o.Statuses = k.take, true
	var err error
	if k.sub, err = subscribe(e, c, mediaTrack, o); err != nil {
		return nil, fmt.Errorf("SUBSCRIBE: %w", err)
	}
	return k, nil
}

// watch connects a subscriber and subscribes to the data track.
func watch(e *env, o moqt.SubscribeOptions) (*sink, error) {
	c, err := e.subscriber()
	if err != nil {
		return nil, fmt.Errorf("subscriber: %w", err)
	}
	return follow(e, c, o)
}

func (k *sink) take(o moqt.Object) {
	k.mu.Lock()
	if o.End {
		k.ends = append(k.ends, o)
	} else {
		k.objects = append(k.objects, o)
	}
	k.mu.Unlock()
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// seen is a snapshot of the objects and of how streams ended.
func (k *sink) seen() (objects, ends []moqt.Object) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.objects), slices.Clone(k.ends)
}

// await waits until enough has come.
func (k *sink) await(e *env, what string, enough func(objects, ends []moqt.Object) bool) error {
	for {
		objects, ends := k.seen()
		if enough(objects, ends) {
			return nil
		}
		select {
		case <-k.changed:
		case <-k.sub.Done():
			return fmt.Errorf("waiting for %s after %d objects: %w", what, len(objects), k.sub.Err())
		case <-e.ctx.Done():
			return fmt.Errorf("waiting for %s after %d objects: %w", what, len(objects), context.Cause(e.ctx))
		}
	}
}

// count waits for so many objects.
func (k *sink) count(e *env, n int) error {
	return k.await(e, fmt.Sprintf("%d objects", n), func(objects, _ []moqt.Object) bool { return len(objects) >= n })
}

// done waits for PUBLISH_DONE.
func (k *sink) done(e *env) error {
	select {
	case <-k.sub.Done():
	case <-e.ctx.Done():
		objects, _ := k.seen()
		return fmt.Errorf("waiting for PUBLISH_DONE after %d objects: %w", len(objects), context.Cause(e.ctx))
	}
	if done, ok := errors.AsType[*moqt.DoneError](k.sub.Err()); ok {
		e.note("PUBLISH_DONE: %#x, %s", uint64(done.Code), done.Reason)
		return nil
	}
	return k.sub.Err()
}

// quiet is how long what is not wanted has to come.
const quiet = 100 * time.Millisecond

// received are objects as they were published, by location.
func received(list []moqt.Object) []sent {
	out := make([]sent, 0, len(list))
	for _, o := range list {
		out = append(out, sent{o.Location.Group, relay.Object{
			ID: o.Location.Object, Subgroup: o.Subgroup, Datagram: o.Datagram, Priority: o.Priority,
			Status: o.Status, Properties: o.Properties, Payload: o.Payload,
		}})
	}
	return sorted(out)
}

func sorted(list []sent) []sent {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b sent) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.object.ID, b.object.ID))
	})
	return list
}

// same compares what came with what was published: each object once, and nothing
// of it changed.
func same(got, want []sent) error {
	want = sorted(want)
	for i, w := range want {
		if i >= len(got) {
			return fmt.Errorf("%d objects are missing, the first is %s", len(want)-i, w)
		}
		if err := got[i].equal(w); err != nil {
			return err
		}
	}
	if len(got) > len(want) {
		return fmt.Errorf("%s came, which was not to", got[len(want)])
	}
	return nil
}

func (s sent) String() string { return fmt.Sprintf("object %d of group %d", s.object.ID, s.group) }

func (s sent) equal(want sent) error {
	got, wanted := s.object, want.object
	if s.group != want.group || got.ID != wanted.ID {
		return fmt.Errorf("%s came where %s was expected", s, want)
	}
	for _, field := range []struct {
		name      string
		got, want any
	}{
		{"forwarding preference is datagram", got.Datagram, wanted.Datagram},
		{"subgroup", got.Subgroup, wanted.Subgroup},
		{"priority", got.Priority, wanted.Priority},
		{"status", got.Status, wanted.Status},
		{"size", len(got.Payload), len(wanted.Payload)},
		{"properties", listed(got.Properties), listed(wanted.Properties)},
	} {
		if !reflect.DeepEqual(field.got, field.want) {
			return fmt.Errorf("%s: %s: %v, published with %v", s, field.name, field.got, field.want)
		}
	}
	if !bytes.Equal(got.Payload, wanted.Payload) {
		return fmt.Errorf("%s has other bytes than were published", s)
	}
	return nil
}

// listed writes properties out, so that an empty list is no list.
func listed(list []relay.Property) string {
	var b []byte
	for _, p := range list {
		b = fmt.Appendf(b, "%#x: %d %x; ", p.Type, p.Int, p.Bytes)
	}
	return string(b)
}
