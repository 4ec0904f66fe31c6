//go:build race

package client_test

// raceEnabled: the race detector makes everything ten times slower.
const raceEnabled = true
