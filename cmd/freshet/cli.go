package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"
)

// commands is the command line.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Run a gateway."`
	Relay   relayCommand   `cmd:"" help:"Run a gateway that serves what other gateways have."`
	Push    pushCommand    `cmd:"" help:"Send a transport stream to a gateway."`
	Interop interopCommand `cmd:"" help:"Test a MoQ relay, this or any other."`
	Bench   benchCommand   `cmd:"" help:"Measure, and disturb: tools for network engineers."`
	Demo    demoCommand    `cmd:"" help:"Run a gateway that plays a clip, to look at."`
	Token   tokenCommand   `cmd:"" help:"Make and explain tokens for auth.keys."`
	Config  configCommand  `cmd:"" help:"Work with configuration files."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// console is where a command talks to people.
type console struct {
	out, err io.Writer
}

// run is the whole program: it gives the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	exit := -1
	var cli commands
	parser, err := kong.New(&cli, kong.Name("freshet"), kong.Description("A live gateway: SRT in, MoQ and LL-HLS out."),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exit = code }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(console{stdout, stderr}))
	if err != nil {
		fmt.Fprintln(stderr, "freshet:", err)
		return 2
	}
	command, err := parser.Parse(args)
	if exit >= 0 { // Help was asked for.
		return exit
	}
	if err != nil {
		fmt.Fprintln(stderr, "freshet:", err)
		return 2
	}
	if err := command.Run(); err != nil {
		fmt.Fprintln(stderr, "freshet:", err)
		if e, ok := errors.AsType[exitError](err); ok {
			return e.code
		}
		return 1
	}
	return 0
}
