package main

// benchCommand are the tools that measure and disturb.
type benchCommand struct {
	Impair impairCommand `cmd:"" help:"A bad network between two UDP ports or two TUN devices."`

	Report  reportCommand  `cmd:"" help:"Pages and pictures of a run: HTML, JUnit, PNG; without any, what it found."`
	Compare compareCommand `cmd:"" help:"What differs between two runs, and whether that is chance."`
}
