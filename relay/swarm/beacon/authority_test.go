package beacon_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

// follower is a viewer with the catalog of a moment ago.
type follower struct {
	*beacon.Verifier
	catalog *beacon.Keys
}

// A day of beacons, one a minute: each is signed by a key that the catalog had at
// least four minutes before, none lives longer than an hour, and the catalog never
// holds more than three.
func TestRotation(t *testing.T) {
	a := beacon.NewAuthority(streamKey, namespace)
	s := beacon.NewSigner(namespace, track)
	v := follower{Verifier: beacon.NewVerifier(beacon.Config{Namespace: namespace, Track: track, StreamKey: public(streamKey)})}
	changes, used := 0, make(map[beacon.KeyID]int)
	var catalogs []*beacon.Keys // One a minute.
	for minute := range 24 * 60 {
		now, g := epoch.Add(time.Duration(minute)*time.Minute), group+uint64(minute)*60
		changed, err := a.Advance(now, g)
		if err != nil {
			t.Fatal(err)
		}
		if changed {
			changes++
		}
		catalogs = append(catalogs, a.Keys())
		old := catalogs[max(0, len(catalogs)-5)]
		if n := len(old.Certificates); n > 3 {
			t.Fatalf("%d certificates", n)
		}
		if err := v.SetKeys(old); err != nil {
			t.Fatal(err)
		}
		s.Use(a.Session())
		b := newChunk(0, 0, 10).change(func(b *beacon.Beacon) { b.Group, b.Time = g, now.UnixMilli() }).beacon
		raw, err := s.Sign(&b)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := v.Add(now, raw); err != nil {
			t.Fatalf("minute %d: %v", minute, err)
		}
		used[b.Key]++
	}
	for id, n := range used {
		if n > 60 {
			t.Errorf("key %x signed for %d minutes", id, n)
		}
	}
	if len(used) != 25 || changes != 2*len(used)-1 {
		t.Errorf("%d keys, %d changes of the catalog", len(used), changes)
	}
}

// After a pause, and after the clock was set back, there is a key at once.
func TestAdvanceAfterPause(t *testing.T) {
	for name, step := range map[string]time.Duration{
		"a pause": 3 * time.Hour, "into the next": 61 * time.Minute, "set back": -2 * time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			a := beacon.NewAuthority(streamKey, namespace)
			if _, err := a.Advance(epoch, group); err != nil {
				t.Fatal(err)
			}
			if _, err := a.Advance(epoch.Add(58*time.Minute), group); err != nil {
				t.Fatal(err)
			}
			before := a.Session()
			now := epoch.Add(step)
			changed, err := a.Advance(now, group)
			if err != nil || !changed || before.Equal(a.Session()) {
				t.Fatalf("changed %v, %v", changed, err)
			}
			checkSigns(t, a, now)
			if name == "into the next" {
				return
			}
			i := slices.IndexFunc(a.Keys().Certificates, func(c beacon.Certificate) bool {
				return beacon.KeyIDOf(c.Key) == beacon.KeyIDOf(public(before))
			})
			if i != 0 {
				t.Errorf("the key before is at %d", i)
			}
		})
	}
}

// A clock that is set back a little makes no new key.
func TestAdvanceSlack(t *testing.T) {
	a := beacon.NewAuthority(streamKey, namespace)
	for _, step := range []time.Duration{0, -50 * time.Second, 20 * time.Second} {
		changed, err := a.Advance(epoch.Add(step), group)
		if err != nil || changed != (step == 0) {
			t.Errorf("at %v: changed %v, %v", step, changed, err)
		}
		checkSigns(t, a, epoch.Add(step))
	}
}

func checkSigns(t *testing.T, a *beacon.Authority, now time.Time) {
	t.Helper()
	v := beacon.NewVerifier(beacon.Config{Namespace: namespace, Track: track})
	if err := v.SetKeys(a.Keys()); err != nil {
		t.Fatal(err)
	}
	c := newChunk(0, 0, 10).change(func(b *beacon.Beacon) { b.Time = now.UnixMilli() }).signedBy(t, a.Session(), namespace, track)
	if _, _, err := v.Add(now, c.raw); err != nil {
		t.Error(err)
	}
	old := newChunk(0, 0, 10).change(func(b *beacon.Beacon) { b.Group, b.Time = group-1, now.UnixMilli() })
	if _, _, err := v.Add(now, old.signedBy(t, a.Session(), namespace, track).raw); !errors.Is(err, beacon.ErrKeyGroup) {
		t.Errorf("of a group before the key: %v", err)
	}
}
