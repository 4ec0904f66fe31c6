package swarm

import (
	"errors"
	"log/slog"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/relay"
	policy "github.com/freshet-live/freshet/relay/swarm"
)

// Config configures an Edge. Relay is required.
type Config struct {
	Relay *relay.Relay
	// Sent, if set, gives the bytes of media that this edge has sent to viewers so
	// far, by whatever protocol.
	Sent func() int64
	// STUN are the servers that viewers are told of.
	STUN []string
	// Places, if set, tells where an address is.
	Places Places
	// Region is where the edge is.
	Region string
	Policy Policy

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Policy is what an operator decides.
type Policy struct {
	Params policy.Params
	// Control is the share of viewers who could take part and are fed by the edge
	// alone, for comparison.
	Control float64
	// LAN lets viewers who want it exchange addresses of their own network.
	LAN bool
	// MinViewers is how many there must be for a swarm.
	MinViewers int
	// MinLoad is the part of Capacity that the edge must be sending for a swarm;
	// zero is none.
	MinLoad float64
	// Capacity is what the edge can send, bit/s; zero is without limit.
	Capacity int64
	// Ask is what holds for viewers of a country, by its ISO code; DefaultAsk for all
	// others.
	Ask        map[string]Ask
	DefaultAsk Ask
	// Off are autonomous systems whose viewers the edge alone feeds; Carriers are
	// those of mobile networks.
	Off      []uint32
	Carriers []uint32
}

// Ask says whether people are to be asked for their consent. The edge does not rely on
// it: who has not consented takes no part.
type Ask string

// The ways.
const (
	AskFirst Ask = "ask"   // The player asks, and begins without.
	AskNot   Ask = "allow" // The player may take consent for given until it is taken back.
	AskOff   Ask = "off"   // No swarm.
)

// Place is what is known of where an address is; zero fields are not known.
type Place struct {
	ASN uint32
	// Country is an ISO 3166-1 code of two letters.
	Country string
}

// Places tells where addresses are. It is used by many goroutines at once.
type Places interface {
	Place(netip.Addr) Place
}

// nowhere is Places without knowledge.
type nowhere struct{}

func (nowhere) Place(netip.Addr) Place { return Place{} }

func (cfg *Config) prepare() error {
	if cfg.Relay == nil {
		return errors.New("swarm: no relay")
	}
	if cfg.Sent == nil {
		cfg.Sent = func() int64 { return 0 }
	}
	if cfg.Places == nil {
		cfg.Places = nowhere{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Policy.Params.Subs == 0 {
		cfg.Policy.Params = policy.DefaultParams()
	}
	if cfg.Policy.DefaultAsk == "" {
		cfg.Policy.DefaultAsk = AskFirst
	}
	return nil
}
