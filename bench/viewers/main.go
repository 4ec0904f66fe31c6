// Viewers watches a broadcast as many viewers at once and says what they saw: a line
// of JSON (view.Report) for each line that it reads, which names what has just gone
// by, and a last one when its input ends.
//
//	go run ./bench/viewers -viewers 300 -broadcast live/cam1 https://edge-a:4443/moq moqt://edge-b:4443
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/freshet-live/freshet/bench/view"
	"github.com/freshet-live/freshet/relay"
)

func main() {
	viewers := flag.Int("viewers", 50, "how many, spread over the URLs")
	broadcast := flag.String("broadcast", "live/bench", "what they watch")
	tracks := flag.String("tracks", "video,audio", "of it")
	ramp := flag.Duration("ramp", 5*time.Second, "the time over which they come")
	insecure := flag.Bool("insecure", false, "take any certificate")
	flag.Parse()
	audience, err := view.New(view.Config{
		URLs: flag.Args(), Namespace: relay.Namespace(*broadcast), Tracks: strings.Split(*tracks, ","),
		Viewers: *viewers, Ramp: *ramp,
		TLS: &tls.Config{InsecureSkipVerify: *insecure, MinVersion: tls.VersionTLS13}, //nolint:gosec // asked for by name
	})
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = run(ctx, audience, os.Stdin, os.Stdout)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run reports until the input or ctx ends.
func run(ctx context.Context, audience *view.Audience, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	var failed error
	watching.Go(func() { failed = audience.Run(ctx) })
	phases := make(chan string)
	go func() { // A read of the terminal cannot be interrupted: it ends with the process.
		defer close(phases)
		for lines := bufio.NewScanner(in); lines.Scan(); {
			phases <- lines.Text()
		}
	}()
	encoder := json.NewEncoder(out)
	for {
		select {
		case phase, more := <-phases:
			if !more {
				phase = "end"
			}
			if err := encoder.Encode(audience.Report(phase)); err != nil || !more {
				cancel()
				watching.Wait()
				return errors.Join(err, failed)
			}
		case <-ctx.Done():
			return encoder.Encode(audience.Report("end"))
		}
	}
}
