package main

// benchCommand are the tools that measure and disturb.
type benchCommand struct {
	Push   benchPushCommand  `cmd:"" help:"Many encoders: paced exactly, with faults on a schedule."`
	View   viewCommand       `cmd:"" help:"Many viewers over MoQ or LL-HLS, who check what they get."`
	Impair impairCommand     `cmd:"" help:"A bad network between two UDP ports or two TUN devices."`
	Sweep  sweepCommand      `cmd:"" help:"How much a server bears: raise the load until objects come late, and say what it cost."`
	Swarm  benchSwarmCommand `cmd:"" help:"Simulate a peer swarm: its policy among a thousand viewers, by real uplinks."`
	Tiers  tiersCommand      `cmd:"" help:"Try out a cluster: what dies, drains and is cut off, and what viewers see of it (Linux, root)."`
	Peers  benchPeersCommand `cmd:"" help:"Native viewers of a swarm: what they take from each other, against an edge that runs."`

	Report  reportCommand  `cmd:"" help:"Pages and pictures of a run: HTML, JUnit, PNG; without any, what it found."`
	Compare compareCommand `cmd:"" help:"What differs between two runs, and whether that is chance."`

	Bare      bareCommand      `cmd:"" hidden:"" help:"A bare webtransport-go server, to compare with."`
	Directory directoryCommand `cmd:"" hidden:"" help:"A NATS server, for a cluster that is tried out."`
}
