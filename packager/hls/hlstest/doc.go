// Package hlstest publishes synthetic broadcasts for tests of the HLS view: CMAF
// chunks with true boxes and meaningless media.
package hlstest
