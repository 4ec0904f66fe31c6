package view

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/transport/moqt/catalogs"
)

var errNoTracks = errors.New("the catalog has none of the tracks that are wanted")

// beginWithCatalog reads the catalog, subscribes to what it has, and follows it.
func (s *session) beginWithCatalog(ctx, limited context.Context) error {
	catalog, err := catalogs.Follow(limited, s.client, s.a.cfg.Namespace)
	if err != nil {
		return fmt.Errorf("catalog: %w", err)
	}
	first, err := catalog.First(limited)
	if err != nil {
		return fmt.Errorf("catalog: %w", err)
	}
	s.listed, s.subs = make(map[string]bool), make(map[string]bool)
	if err := s.follow(limited, first); err != nil {
		return err
	}
	if len(s.subs) == 0 {
		return errNoTracks
	}
	s.tasks.Go(func() { s.followAll(ctx, catalog) })
	return nil
}

// followAll subscribes to what the catalog gets, until the session ends.
func (s *session) followAll(ctx context.Context, catalog *catalogs.Feed) {
	for {
		select {
		case c := <-catalog.Newest():
			limited, cancel := context.WithTimeout(ctx, connectWithin)
			err := s.follow(limited, c)
			cancel()
			if err != nil {
				s.end(err)
				return
			}
		case <-catalog.Done():
			s.end(fmt.Errorf("catalog: subscription: %w", catalog.Err()))
			return
		case <-s.client.Done():
			return
		}
	}
}

// follow subscribes to the tracks of a catalog that are wanted and new.
func (s *session) follow(ctx context.Context, c *msf.Catalog) error {
	wanted := slices.DeleteFunc(slices.Clone(c.Tracks), func(t msf.Track) bool { return !s.a.cfg.wants(t.Name) })
	s.mu.Lock()
	clear(s.listed)
	var fresh []msf.Track
	for _, t := range wanted {
		s.listed[t.Name] = true
		if !s.subs[t.Name] {
			s.subs[t.Name] = true
			fresh = append(fresh, t)
		}
	}
	s.mu.Unlock()
	for _, t := range fresh {
		s.a.truth(t.Name).setTimescale(timescale(c, t))
		// A viewer waits for what always comes.
		sparse := t.Packaging != msf.PackagingCMAF && t.Packaging != msf.PackagingLOC
		if err := s.subscribe(ctx, s.track(t.Name, sparse)); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return nil
}

func timescale(c *msf.Catalog, t msf.Track) uint32 {
	header, _ := c.Init(t)
	if info, err := cmaf.ReadHeader(header); err == nil {
		return info.Timescale
	}
	return t.Timescale
}

// wants tells whether a track is one of those asked for: "video" is "video.2", too,
// as a new header is a new track.
func (c *Config) wants(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	return len(c.Tracks) == 0 || slices.Contains(c.Tracks, name) || slices.Contains(c.Tracks, base)
}

// lists tells whether the catalog has a track.
func (s *session) lists(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listed[name]
}
