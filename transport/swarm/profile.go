package swarm

import (
	"net/netip"
	"strings"

	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
)

// profile is what is known of a viewer at its hello.
func (e *Edge) profile(p *moqt.ExtensionPeer, hello *wire.Hello) policy.Profile {
	address := addressOf(p.RemoteAddr())
	place := e.cfg.Places.Place(address)
	out := policy.Profile{
		Address: address, ASN: place.ASN, Carrier: e.carrier[place.ASN], Country: place.Country, Region: e.cfg.Region,
		Consent: hello.Consent, Net: hello.Net, SaveData: hello.SaveData, LowBattery: hello.LowBattery,
		Hidden: hello.Hidden, Mobile: hello.Mobile, LAN: e.cfg.Policy.LAN && hello.LAN,
		Cap: int64(hello.Cap), Uplink: int64(hello.Uplink), RTT: p.RTT(), Agent: hello.Agent,
	}
	if hello.Fingerprint == "" && out.Consent == policy.ConsentGranted {
		out.Consent = policy.ConsentUnset // There is nothing that peers would know it by.
	}
	return out
}

// apply takes what changed.
func apply(p *policy.Profile, u *wire.Update) {
	assign(&p.Consent, u.Consent)
	assign(&p.Net, u.Net)
	assign(&p.SaveData, u.SaveData)
	assign(&p.LowBattery, u.LowBattery)
	assign(&p.Hidden, u.Hidden)
	if u.Cap != nil {
		p.Cap = int64(*u.Cap)
	}
	if u.Uplink != nil {
		p.Uplink = int64(*u.Uplink)
	}
}

func assign[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// ask is what holds for viewers of a country.
func (e *Edge) ask(country string) Ask {
	if a, ok := e.cfg.Policy.Ask[strings.ToUpper(country)]; ok {
		return a
	}
	return e.cfg.Policy.DefaultAsk
}

// barred tells why a viewer takes no part whatever it wants, empty when it may.
func (e *Edge) barred(p *policy.Profile) policy.Reason {
	switch {
	case e.banned(p.Address):
		return "banned"
	case e.off[p.ASN]:
		return "network"
	case e.ask(p.Country) == AskOff:
		return "operator"
	}
	return ""
}

// The classes of networks in metrics.
const (
	classUnknown = "unknown"
	classCarrier = "carrier"
	classOff     = "off"
	classFixed   = "fixed"
)

func (e *Edge) classOf(p *policy.Profile) string {
	switch {
	case p.ASN == 0:
		return classUnknown
	case e.off[p.ASN]:
		return classOff
	case p.Carrier:
		return classCarrier
	}
	return classFixed
}

// Ask tells whether people at an address are to be asked for their consent.
func (e *Edge) Ask(viewer netip.Addr) Ask { return e.ask(e.cfg.Places.Place(viewer).Country) }
