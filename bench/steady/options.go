package steady

import (
	"flag"
	"os"

	"github.com/freshet-live/freshet/e2e/rig"
)

// Options are what every program that measures a Scene is asked.
type Options struct {
	Bitrate int    // In kbit/s.
	Raw     bool   // Viewers over raw QUIC.
	Nice    int    // Of this process, which is the viewers.
	Binary  string // The gateway's; empty has it built.
}

// Register adds the flags; bitrate is the default.
func (o *Options) Register(flags *flag.FlagSet, bitrate int) {
	flags.IntVar(&o.Bitrate, "bitrate", bitrate, "of the broadcast, in kbit/s")
	flags.BoolVar(&o.Raw, "raw", false, "viewers over raw QUIC, as relays below are, instead of WebTransport")
	flags.IntVar(&o.Nice, "nice", 0, "niceness of the viewers, who are on machines of their own outside a benchmark")
	flags.StringVar(&o.Binary, "gateway", "", "the gateway's binary; built when empty")
}

// Renice gives this process its niceness.
func (o *Options) Renice() error { return rig.Renice(os.Getpid(), o.Nice) }

// URL is where viewers connect to the edge.
func (o *Options) URL(s *Scene) string {
	if o.Raw {
		return "moqt://" + s.Edge.QUIC()
	}
	return s.Edge.HTTPS("/moq")
}
