package main

// benchCommand are the tools that measure and disturb.
type benchCommand struct {
	Impair impairCommand `cmd:"" help:"A bad network between two UDP ports or two TUN devices."`
	View   viewCommand   `cmd:"" help:"Many viewers over MoQ or LL-HLS, who check what they get."`
}
