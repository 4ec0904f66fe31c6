package main

// benchCommand are the tools that measure and disturb.
type benchCommand struct {
	Push   benchPushCommand `cmd:"" help:"Many encoders: paced exactly, with faults on a schedule."`
	View   viewCommand      `cmd:"" help:"Many viewers over MoQ or LL-HLS, who check what they get."`
	Impair impairCommand    `cmd:"" help:"A bad network between two UDP ports or two TUN devices."`
}
