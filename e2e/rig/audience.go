package rig

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/freshet-live/freshet/bench/view"
)

// Audience is a running `freshet bench view`.
type Audience struct {
	*Process
	in    *os.File
	out   *os.File
	lines *bufio.Reader
}

// StartAudience has many viewers watch the tracks video and audio of a broadcast at
// the URLs, who come within a few seconds.
func StartAudience(ctx context.Context, dir, binary, broadcast string, viewers int, urls ...string) (*Audience, error) {
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start viewers: %w", err)
	}
	defer inR.Close() // The process has its own end.
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start viewers: %w", errors.Join(err, inW.Close()))
	}
	defer outW.Close()
	process, err := Command{
		Name: "viewers", Path: binary, Dir: dir, Stdin: inR, Stdout: outW,
		Args: append([]string{
			"bench", "view", "--phases", "--insecure", "--viewers", fmt.Sprint(viewers), "--broadcast", broadcast,
			"--no-catalog", "--tracks", "video,audio", "--ramp", "5s", "--per-socket", "0",
		}, urls...),
	}.Start(ctx)
	if err != nil {
		return nil, errors.Join(err, inW.Close(), outR.Close())
	}
	return &Audience{Process: process, in: inW, out: outR, lines: bufio.NewReader(outR)}, nil
}

// Report asks what the viewers have seen since the last time.
func (a *Audience) Report(phase string) (view.Report, error) {
	if _, err := fmt.Fprintln(a.in, phase); err != nil {
		return view.Report{}, fmt.Errorf("ask the viewers: %w\n%s", err, a.Output())
	}
	line, err := a.lines.ReadBytes('\n')
	if err != nil {
		return view.Report{}, fmt.Errorf("the viewers said nothing: %w\n%s", err, a.Output())
	}
	var r view.Report
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("read the viewers' report: %w", err)
	}
	return r, nil
}

// Leave has all viewers go.
func (a *Audience) Leave() error {
	err := a.in.Close() // Which asks for it.
	return errors.Join(err, a.Stop(10*time.Second), a.out.Close())
}
