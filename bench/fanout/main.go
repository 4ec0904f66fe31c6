// Fanout measures what the gateway promises of its speed: from a frame that is
// complete in the demuxer to its bytes handed to QUIC, and the processor time for
// it, with many viewers over WebTransport on one broadcast, on this machine. A
// bare server (package bare) is measured in turn, of the same chunks at the same
// times: machines differ, and their ratio less so.
//
// Servers and viewers are processes of their own; the program starts itself again
// for the bare server and for the viewers.
package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"time"

	"github.com/freshet-live/freshet/bench/command"
	"github.com/freshet-live/freshet/bench/load"
)

func main() { command.Main(run) }

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == roleViewers {
		return viewers(ctx, args[1:])
	}
	if len(args) > 0 && args[0] == roleBare {
		return serveBare(ctx, args[1:])
	}
	var o options
	flags := flag.NewFlagSet("fanout", flag.ExitOnError)
	flags.IntVar(&o.viewers, "viewers", 50, "viewers over WebTransport")
	flags.IntVar(&o.nice, "nice", 0, "niceness of viewers and encoder, who are on machines of their own outside a benchmark")
	flags.IntVar(&o.clip.Kbits, "bitrate", 8000, "of the broadcast, in kbit/s")
	flags.BoolVar(&o.clip.Even, "even", false, "all pictures of a size, as for low latency, instead of large key pictures")
	flags.BoolVar(&o.clip.Filler, "filler", false, "make up for what pictures leave of the rate, which the gateway receives and leaves out")
	o.door = load.SRT
	flags.Func("ingest", "where the encoder comes in: srt (the default), quic or moq", func(door string) error {
		if o.door = load.Door(door); !slices.Contains(load.Doors(), o.door) {
			return fmt.Errorf("not one of %v", load.Doors())
		}
		return nil
	})
	flags.DurationVar(&o.duration, "duration", 20*time.Second, "how long to measure each server")
	flags.IntVar(&o.rounds, "rounds", 1, "how often to measure each server; medians count")
	flags.BoolVar(&o.bare, "bare", true, "measure the bare server too")
	flags.BoolVar(&o.beside, "beside", false, "have an encoder and the last gateway, without viewers, beside the bare server, so that the machine is as busy as with a gateway")
	flags.Func("gateway", "a gateway's binary, may be given again to compare several; built when none is given", func(path string) error {
		o.binaries = append(o.binaries, path)
		return nil
	})
	flags.StringVar(&o.profile, "profile", "", "write a CPU profile of the last gateway to this file, of the bare server to FILE.bare")
	flags.DurationVar(&o.limit, "limit", 0, "fail if the last gateway's p99 of delivery is longer; 0 never fails")
	_ = flags.Parse(args) // Exits on errors.
	return measure(ctx, o)
}

// options are what is asked for.
type options struct {
	viewers  int
	nice     int
	clip     load.Clip
	door     load.Door
	duration time.Duration
	rounds   int
	bare     bool
	beside   bool
	binaries []string
	profile  string
	limit    time.Duration
}
