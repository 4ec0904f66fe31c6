package rig

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Watch is one browser that watches one page; the fields are the options of
// browser/watch.mjs.
type Watch struct {
	Browser    string          `json:"browser,omitempty"` // chromium (default) or firefox
	URL        string          `json:"url"`
	Seconds    float64         `json:"seconds"`              // of measured play; it may be hung up earlier
	Patience   float64         `json:"patience,omitempty"`   // seconds until the first picture
	Stats      string          `json:"stats,omitempty"`      // expression evaluated in the page at the end
	Key        string          `json:"key,omitempty"`        // pressed once it plays
	Screenshot string          `json:"screenshot,omitempty"` // PNG file, made at the end
	Swarm      json.RawMessage `json:"swarm,omitempty"`      // what panel.mjs has the player tell of the swarm
	Scripts    string          `json:"-"`                    // folder of the scripts
	Script     string          `json:"-"`                    // default watch.mjs
	Log        io.Writer       `json:"-"`                    // of the browser driver's complaints
	Limit      time.Duration   `json:"-"`                    // of the whole; default Seconds and a minute
}

// Seen is what a browser saw of a stream, once it played steadily.
type Seen struct {
	Event        string          `json:"event"`
	Error        string          `json:"error"`
	FirstPicture float64         `json:"firstPictureMs"`
	Frames       int             `json:"frames"`
	Latency      []float64       `json:"latency"` // ms from the camera to the screen, a picture each
	Unreadable   int             `json:"unreadable"`
	LongestGap   float64         `json:"longestGap"` // ms between two pictures
	Stalls       []float64       `json:"stalls"`     // ms that playback stood, each time
	Seeks        int             `json:"seeks"`
	Clock        [][2]float64    `json:"clock"` // wall ms and currentTime, four a second
	Errors       []string        `json:"errors"`
	Console      []string        `json:"console"`
	Stats        json.RawMessage `json:"stats"`
}

// Advanced is how far currentTime got, and in how much time; both in seconds.
func (s *Seen) Advanced() (media, wall float64) {
	if len(s.Clock) < 2 {
		return 0, 0
	}
	first, last := s.Clock[0], s.Clock[len(s.Clock)-1]
	return last[1] - first[1], (last[0] - first[0]) / 1000
}

// Viewer is a browser at work.
type Viewer struct {
	cancel context.CancelFunc
	cmd    *exec.Cmd
	stdin  io.Closer
	lines  *bufio.Reader
	early  *Seen // the result that came instead of "playing"
}

// Start opens the page.
func (w Watch) Start(ctx context.Context) (*Viewer, error) {
	options, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("start a browser: %w", err)
	}
	limit := orElse(w.Limit, time.Duration(w.Seconds)*time.Second+time.Minute)
	ctx, cancel := context.WithTimeout(ctx, limit)
	cmd := exec.CommandContext(ctx, "node", filepath.Join(w.Scripts, cmp.Or(w.Script, "watch.mjs")), string(options)) //nolint:gosec // our own script
	// Asked to end, node ends its browser; killed, it would leave it behind.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	cmd.Stderr = w.Log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("start a browser: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("start a browser: %w", err)
	}
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start a browser: %w", err)
	}
	return &Viewer{cancel: cancel, cmd: cmd, stdin: stdin, lines: bufio.NewReader(stdout)}, nil
}

// Playing waits until the page plays steadily.
func (v *Viewer) Playing() error {
	seen, err := v.next()
	if err != nil {
		return err
	}
	if seen.Event != "playing" {
		v.early = seen
		return fmt.Errorf("the page does not play: %s; console: %q", seen.Error, seen.Console)
	}
	return nil
}

// HangUp ends the measuring now; Result has it.
func (v *Viewer) HangUp() error { return v.stdin.Close() }

// Result waits for the end of the measuring and of the browser.
func (v *Viewer) Result() (*Seen, error) {
	defer v.cancel()
	seen := v.early
	for seen == nil || seen.Event == "playing" {
		next, err := v.next()
		if err != nil {
			return nil, errors.Join(err, v.cmd.Wait())
		}
		seen = next
	}
	_, err := io.Copy(io.Discard, v.lines)
	_ = v.stdin.Close() // HangUp may have closed it
	err = errors.Join(err, v.cmd.Wait())
	if seen.Event != "result" {
		return seen, fmt.Errorf("the page does not play: %s; console: %q", seen.Error, seen.Console)
	}
	return seen, err
}

func (v *Viewer) next() (*Seen, error) {
	line, err := v.lines.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the browser's driver said nothing more: %w", err)
	}
	var seen Seen
	if err := json.Unmarshal(line, &seen); err != nil {
		return nil, fmt.Errorf("read the browser's report: %w", err)
	}
	return &seen, nil
}
