// Package web holds the browser player, built from TypeScript into dist (see
// README.md) and embedded so that the gateway is one file.
package web

import (
	"embed"
	"io/fs"
)

//go:embed dist
var dist embed.FS

// Files is the root of the built player: index.html is the page of one
// broadcast, list.html the list of all, freshet.js the module both load.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: the embedded folder is always called dist: " + err.Error())
	}
	return files
}
