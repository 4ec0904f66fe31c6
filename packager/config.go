package packager

import (
	"crypto/ed25519"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/relay"
)

// DefaultWindow is how far back groups stay in the log: what LL-HLS lists, and
// what a late joiner may fetch.
const DefaultWindow = 30 * time.Second

// Config configures a Packager.
type Config struct {
	// Relay takes the broadcast, under Namespace.
	Relay     *relay.Relay
	Namespace relay.Namespace
	// Window is how far back media stays in the log; DefaultWindow when zero.
	Window time.Duration
	// TargetLatency goes into the catalog as advice to players; zero leaves it
	// out.
	TargetLatency time.Duration
	// StreamKey, if set, stands for the broadcast: each chunk of video gets a beacon,
	// in a track beside its own, signed by session keys that it certifies.
	StreamKey ed25519.PrivateKey
	// Logger and Registerer may be nil. Packagers share their metrics.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Publisher priorities, 0 first.
const (
	priorityCatalog = 0
	priorityAudio   = 1
	priorityVideo   = 2
	// Without its beacon a chunk cannot be passed on, and it is small.
	priorityBeacons = priorityAudio
)

// audioPatience is how long frames wait for those that fill their chunk.
const audioPatience = 70 * time.Millisecond

// Spans of media time and of waiting, in ticks of ingest.Clock.
const (
	// audioChunk is what an audio chunk may hold: three frames of AAC. All of it is late
	// by as much, and it is sound that says how much players must buffer; a frame a
	// chunk would double the bytes and the packets of sound.
	audioChunk = 70 * clockMs
	// soloGroup is the length of audio groups without video.
	soloGroup = 1000 * clockMs
	// videoSilence is after how long of silence video no longer leads.
	videoSilence = 2000 * clockMs
	// blindWait is how long video may go without any random access point before
	// it starts without, and blindGroup the length of its groups then.
	blindWait  = 2000 * clockMs
	blindGroup = 2000 * clockMs
	// audioWait and videoWait are how long the catalog waits for a declared
	// stream: audio that is silent must not block video, but a player that
	// finds audio alone may stay with it, and video waits for its next GOP.
	audioWait = 1000 * clockMs
	videoWait = 5000 * clockMs
	// maxAbsorbed is the longest gap that the samples after it cover. A longer
	// one, of an encoder that was away, is a step of tfdt. One sample lasts
	// maxStretch at most and leaves the rest to the next: a part of LL-HLS, half
	// a second, must not be longer for it.
	maxAbsorbed = 1000 * clockMs
	maxStretch  = 400 * clockMs

	clockMs = 90
)

// catalogPeriod is how often the catalog is published anew, for players that
// subscribe to what comes next.
const catalogPeriod = 2 * time.Second
