package rig

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strings"
)

// DownloadHLS fetches a media playlist and all that it lists, segments and the
// parts after the last, and joins them behind the header.
func DownloadHLS(ctx context.Context, playlist string) ([]byte, error) {
	text, err := Get(ctx, playlist)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(playlist)
	if err != nil {
		return nil, fmt.Errorf("playlist's address: %w", err)
	}
	var file bytes.Buffer
	for _, uri := range listed(text) {
		ref, err := base.Parse(uri)
		if err != nil {
			return nil, fmt.Errorf("address in %s: %w", playlist, err)
		}
		body, err := Get(ctx, ref.String())
		if err != nil {
			return nil, err
		}
		file.WriteString(body)
	}
	return file.Bytes(), nil
}

// listed are the addresses of header, segments, and the parts after them.
func listed(playlist string) []string {
	var whole, parts []string
	for line := range strings.Lines(playlist) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#EXT-X-MAP:"):
			whole = append(whole, Attribute(line, "URI"))
		case strings.HasPrefix(line, "#EXT-X-PART:"):
			parts = append(parts, Attribute(line, "URI"))
		case line != "" && !strings.HasPrefix(line, "#"):
			whole, parts = append(whole, line), nil
		}
	}
	return append(whole, parts...)
}

// Attribute is a quoted value of a tag's attribute list; empty if it has none.
func Attribute(line, name string) string {
	_, list, _ := strings.Cut(line, ":")
	_, after, _ := strings.Cut(","+list, ","+name+"=\"")
	value, _, _ := strings.Cut(after, "\"")
	return value
}

// Playlists are the addresses of all media playlists that a multivariant
// playlist names, by the last folder of their path, which is the track's name.
func Playlists(ctx context.Context, multivariant string) (map[string]string, error) {
	text, err := Get(ctx, multivariant)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(multivariant)
	if err != nil {
		return nil, fmt.Errorf("playlist's address: %w", err)
	}
	found := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		uri := line
		if strings.HasPrefix(line, "#EXT-X-MEDIA:") {
			uri = Attribute(line, "URI")
		}
		if uri == "" || strings.HasPrefix(uri, "#") {
			continue
		}
		ref, err := base.Parse(uri)
		if err != nil {
			return nil, fmt.Errorf("address in %s: %w", multivariant, err)
		}
		folders := strings.Split(ref.Path, "/")
		if len(folders) > 1 {
			found[folders[len(folders)-2]] = ref.String()
		}
	}
	return found, nil
}
