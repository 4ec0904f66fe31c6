package rig

import (
	"bufio"
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

// CrowdConfig is how many viewers share one Chromium; see browser/crowd.mjs.
type CrowdConfig struct {
	Origins   []string  `json:"origins"`             // of plain HTTP that count as secure
	Stats     string    `json:"stats,omitempty"`     // expression evaluated in each page at a look
	ReadOneOf int       `json:"readOneOf,omitempty"` // pictures of which the clock is read in one; default 10
	Patience  float64   `json:"patience,omitempty"`  // seconds until a viewer's first picture
	Scripts   string    `json:"-"`                   // folder of the scripts
	Log       io.Writer `json:"-"`                   // of the browser driver's complaints
}

// CrowdViewer is one page of a crowd.
type CrowdViewer struct {
	Name       string `json:"name"`
	URL        string `json:"url"`
	Connection string `json:"connection,omitempty"` // the network's type as navigator.connection has it, such as cellular
	SaveData   bool   `json:"saveData,omitempty"`
	Script     string `json:"script,omitempty"` // run in the page before all others
}

// CrowdSeen is what one viewer saw since the last reset.
type CrowdSeen struct {
	Seen
	Name string `json:"name"`
	RTC  struct {
		Connections   int     `json:"connections"`
		Candidates    int     `json:"candidates"` // found by ICE
		BytesSent     float64 `json:"bytesSent"`
		BytesReceived float64 `json:"bytesReceived"`
		PiecesSent    float64 `json:"piecesSent"` // bytes of video among them
	} `json:"rtc"`
}

// Crowd is a Chromium with many viewers. It is used by one goroutine.
type Crowd struct {
	cancel context.CancelFunc
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	lines  *bufio.Reader
}

type crowdCommand struct {
	Do      string        `json:"do"`
	Viewers []CrowdViewer `json:"viewers,omitempty"`
	Names   []string      `json:"names,omitempty"`
}

type crowdAnswer struct {
	Event string      `json:"event"`
	Error string      `json:"error"`
	Seen  []CrowdSeen `json:"seen"`
}

// StartCrowd starts the browser, without viewers.
func StartCrowd(ctx context.Context, config CrowdConfig) (*Crowd, error) {
	options, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("start a crowd: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "node", filepath.Join(config.Scripts, "crowd.mjs"), string(options)) //nolint:gosec // our own script
	// Asked to end, node ends its browser; killed, it would leave it behind.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = config.Log
	c := &Crowd{cancel: cancel, cmd: cmd}
	if c.stdin, err = cmd.StdinPipe(); err == nil {
		var stdout io.ReadCloser
		if stdout, err = cmd.StdoutPipe(); err == nil {
			c.lines = bufio.NewReader(stdout)
			err = cmd.Start()
		}
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("start a crowd: %w", err)
	}
	return c, nil
}

// Open has viewers come, one after the other, and returns when all of them play.
func (c *Crowd) Open(viewers ...CrowdViewer) error {
	_, err := c.do(crowdCommand{Do: "open", Viewers: viewers})
	return err
}

// Reset begins a new measurement.
func (c *Crowd) Reset() error {
	_, err := c.do(crowdCommand{Do: "reset"})
	return err
}

// Look tells what the viewers of these names, or all, saw since the last reset.
func (c *Crowd) Look(names ...string) ([]CrowdSeen, error) {
	answer, err := c.do(crowdCommand{Do: "look", Names: names})
	return answer.Seen, err
}

// Leave has viewers go at once.
func (c *Crowd) Leave(names ...string) error {
	_, err := c.do(crowdCommand{Do: "close", Names: names})
	return err
}

// Close ends the browser.
func (c *Crowd) Close() error {
	defer c.cancel()
	err := c.stdin.Close()
	_, copied := io.Copy(io.Discard, c.lines)
	return errors.Join(err, copied, c.cmd.Wait())
}

func (c *Crowd) do(command crowdCommand) (crowdAnswer, error) {
	var answer crowdAnswer
	line, err := json.Marshal(command)
	if err == nil {
		_, err = c.stdin.Write(append(line, '\n'))
	}
	if err == nil {
		line, err = c.lines.ReadBytes('\n')
	}
	if err == nil {
		err = json.Unmarshal(line, &answer)
	}
	if err == nil && answer.Event != "done" {
		err = errors.New(answer.Error)
	}
	if err != nil {
		return answer, fmt.Errorf("crowd: %s: %w", command.Do, err)
	}
	return answer, nil
}
