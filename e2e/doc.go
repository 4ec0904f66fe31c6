// Package e2e proves the gateway from outside: its own binary, real encoders
// (ffmpeg, GStreamer, srt-live-transmit), real players (our page, Shaka Player
// and hls.js in Chromium, hls.js in Firefox), and the faults of real life.
//
// Latency is measured by a clock in the pictures (e2e/barcode), from the
// moment an encoder is handed a picture to the moment the browser shows it.
// Logs and screenshots of a test that fails stay in e2e/artifacts.
//
// Environment: E2E_LONG=1 watches every stream for 30 s; E2E_SCREENSHOT=1
// makes docs/player.png anew; E2E_BINARY=path tests a gateway already built.
package e2e
