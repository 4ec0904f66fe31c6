// Package rig starts real programs for the end-to-end tests and the load
// measurements: the gateway's own binary on free ports with a written
// configuration, encoders that push to it, browsers that watch it.
//
// Whatever it starts belongs to the caller's context: the context's end stops
// it, and a Process is gone when its Stop has returned. Everything listens on
// and talks to 127.0.0.1.
package rig
