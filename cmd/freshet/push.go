package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/push"
)

// pushCommand sends a transport stream to a gateway.
type pushCommand struct {
	Source string `arg:"" help:"A file, - for standard input, udp://[@GROUP]:PORT, srt://:PORT to be called, srt://HOST:PORT to call."`

	To          string        `required:"" help:"quic://HOST:4443/NAME, srt://HOST:8890?streamid=publish:NAME, moqt://HOST:4443/NAME, https://HOST:4443/moq?name=NAME or rtsp://HOST:8554/NAME; ?token= shows a token. Also file:NAME, and - for standard output." placeholder:"URL"`
	Loop        bool          `help:"Repeat the file for ever; its clocks go on."`
	Once        bool          `help:"Give up when the connection fails."`
	Buffer      time.Duration `help:"How much is kept while there is no connection; older packets are dropped." default:"2s"`
	Interface   string        `help:"The network interface for a multicast group." placeholder:"NAME"`
	Fingerprint []string      `help:"The SHA-256 hash of the gateway's certificate, as its /certificate.sha256 shows it." placeholder:"HEX"`
	CA          string        `name:"ca" help:"A PEM file of those who certify the gateway." placeholder:"FILE"`
	Insecure    bool          `help:"Take any certificate."`
	Log         string        `help:"The least level of log lines: debug, info, warn or error." default:"info" enum:"debug,info,warn,error"`
}

func (c pushCommand) Run(ctx context.Context, con console) error {
	level := c.Log
	terminal := terminalOf(con.err)
	if terminal != nil && level == "info" {
		level = "warn" // The line says what info would.
	}
	log := newLogger(con.err, configs.Log{Level: level, Format: "text"})
	status, queue := &push.Status{}, push.NewQueue(c.Buffer)
	source, output, err := c.ends(status, log, os.Stdin, con.out)
	if err != nil {
		return err
	}
	report := push.Reporter{Status: status, Queue: queue, Terminal: terminal, Log: log}
	done := make(chan struct{})
	var reporter sync.WaitGroup
	reporter.Go(func() { report.Run(done) })
	err = push.Run(ctx, source, output, queue, status)
	close(done)
	reporter.Wait()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// ends makes both ends of a push.
func (c pushCommand) ends(status *push.Status, log *slog.Logger, stdin io.Reader, stdout io.Writer) (push.Source, push.Output, error) {
	conf, err := parentTLS(configs.Relay{CA: c.CA, Fingerprints: c.Fingerprint, Insecure: c.Insecure})
	if err != nil {
		return nil, nil, err
	}
	output, err := push.NewOutput(push.OutputConfig{
		To: c.To, TLS: conf, DialMoQ: dialDraft, Once: c.Once, Status: status, Log: log, Stdout: stdout,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("--to: %w", err)
	}
	source, err := push.NewSource(push.SourceConfig{
		From: c.Source, Loop: c.Loop, Interface: c.Interface, Stdin: stdin, Log: log,
	})
	return source, output, err
}

// terminalOf is w if a person looks at it.
func terminalOf(w io.Writer) io.Writer {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return w
}
