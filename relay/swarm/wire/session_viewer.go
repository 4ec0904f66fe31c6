package wire

import (
	"slices"

	"github.com/freshet-live/freshet/relay/swarm"
)

var viewerMessages = map[string]func() Message{
	"hello":   func() Message { return new(Hello) },
	"update":  func() Message { return new(Update) },
	"feed":    func() Message { return new(Feed) },
	"hedge":   func() Message { return new(Hedge) },
	"cancel":  func() Message { return new(Cancel) },
	"signal":  func() Message { return new(Signal) },
	"link":    func() Message { return new(Link) },
	"parents": func() Message { return new(Parents) },
	"report":  func() Message { return new(Report) },
	"invalid": func() Message { return new(Invalid) },
	"leave":   func() Message { return new(Leave) },
	"ping":    func() Message { return new(Ping) },
}

// Bounds of the fields.
const (
	// MaxSubs bounds K.
	MaxSubs = 16
	// MaxPeers bounds the peers that a message names.
	MaxPeers = 32
	// MaxBits bounds a bitmap of pieces, in bytes.
	MaxBits = 32
	// MaxBeacon bounds a beacon as evidence.
	MaxBeacon = 12 << 10
	// MaxSDP and MaxCandidate bound what is signalled.
	MaxSDP       = 16 << 10
	MaxCandidate = 1 << 10

	maxName   = 4096 // Of a full track name ("Track Naming").
	maxReason = 64
	maxRate   = 1_000_000_000_000
	maxMid    = 64
	maxMLine  = 15
)

// Hello is a viewer's first message. Who has not consented shows no fingerprint: to
// make a certificate would touch WebRTC.
type Hello struct {
	Version     int           `json:"version"`
	Namespace   string        `json:"namespace"`
	Track       string        `json:"track"`
	Fingerprint string        `json:"fingerprint"`
	Consent     swarm.Consent `json:"consent"`
	Net         swarm.NetType `json:"net"`
	SaveData    bool          `json:"saveData"`
	LowBattery  bool          `json:"lowBattery"`
	Hidden      bool          `json:"hidden"`
	Mobile      bool          `json:"mobile"`
	LAN         bool          `json:"lan"`
	Cap         Count         `json:"cap"`
	Uplink      Count         `json:"uplink"`
	Agent       string        `json:"agent"`
}

// Agents are the kinds of viewers that are told apart.
var Agents = []string{"chromium", "firefox", "safari", "native", "other"}

// Kind implements Message.
func (*Hello) Kind() string { return "hello" }

func (m *Hello) check() error {
	switch {
	case m.Version < 1:
		return invalid("version %d", m.Version)
	case m.Namespace == "" || m.Track == "" || len(m.Namespace)+len(m.Track) > maxName:
		return invalid("names of %d and %d bytes", len(m.Namespace), len(m.Track))
	case m.Fingerprint != "" && !isFingerprint(m.Fingerprint):
		return invalid("fingerprint %.70q", m.Fingerprint)
	case !slices.Contains(Agents, m.Agent):
		return invalid("agent %.20q", m.Agent)
	case m.Cap > maxRate || m.Uplink > maxRate:
		return invalid("rate")
	}
	return checkSituation(m.Consent, m.Net)
}

// isFingerprint tells whether s is a SHA-256 hash in lower-case hexadecimal.
func isFingerprint(s string) bool {
	if len(s) != 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func checkSituation(c swarm.Consent, n swarm.NetType) error {
	switch c {
	case swarm.ConsentUnset, swarm.ConsentGranted, swarm.ConsentDenied:
	default:
		return invalid("consent %.20q", c)
	}
	switch n {
	case swarm.NetUnknown, swarm.NetCellular, swarm.NetWiFi, swarm.NetEthernet:
	default:
		return invalid("net %.20q", n)
	}
	return nil
}

// Update tells what changed; what is nil did not.
type Update struct {
	Consent    *swarm.Consent `json:"consent,omitempty"`
	Net        *swarm.NetType `json:"net,omitempty"`
	SaveData   *bool          `json:"saveData,omitempty"`
	LowBattery *bool          `json:"lowBattery,omitempty"`
	Hidden     *bool          `json:"hidden,omitempty"`
	Cap        *Count         `json:"cap,omitempty"`
	Uplink     *Count         `json:"uplink,omitempty"`
}

// Kind implements Message.
func (*Update) Kind() string { return "update" }

func (m *Update) check() error {
	consent, net := swarm.ConsentUnset, swarm.NetUnknown
	if m.Consent != nil {
		consent = *m.Consent
	}
	if m.Net != nil {
		net = *m.Net
	}
	if m.Cap != nil && *m.Cap > maxRate || m.Uplink != nil && *m.Uplink > maxRate {
		return invalid("rate")
	}
	return checkSituation(consent, net)
}

// Feed asks for the pieces of sub-streams from (Group, N) on.
type Feed struct {
	Subs  uint32 `json:"subs"`
	Group uint64 `json:"group"`
	N     uint32 `json:"n"`
}

// Kind implements Message.
func (*Feed) Kind() string { return "feed" }

func (m *Feed) check() error {
	if m.Subs >= 1<<MaxSubs || m.Group > maxInteger {
		return invalid("subs %#x of group %d", m.Subs, m.Group)
	}
	return nil
}

// Hedge asks for pieces at once: bit i of byte j, lowest first, is N+8j+i.
type Hedge struct {
	ID    uint64 `json:"id"`
	Group uint64 `json:"group"`
	N     uint32 `json:"n"`
	Bits  []byte `json:"bits"`
}

// Kind implements Message.
func (*Hedge) Kind() string { return "hedge" }

func (m *Hedge) check() error {
	if m.ID > maxInteger || m.Group > maxInteger || len(m.Bits) > MaxBits {
		return invalid("id %d, group %d, %d bytes of bits", m.ID, m.Group, len(m.Bits))
	}
	return nil
}

// Cancel takes a hedge back.
type Cancel struct {
	ID uint64 `json:"id"`
}

// Kind implements Message.
func (*Cancel) Kind() string { return "cancel" }

func (m *Cancel) check() error {
	if m.ID > maxInteger {
		return invalid("id %d", m.ID)
	}
	return nil
}

// Link tells what became of a connection.
type Link struct {
	Peer   swarm.PeerID    `json:"peer"`
	State  swarm.LinkState `json:"state"`
	Reason string          `json:"reason,omitempty"`
	RTT    Millis          `json:"rtt,omitempty"`
	Took   Millis          `json:"took,omitempty"`
}

// Kind implements Message.
func (*Link) Kind() string { return "link" }

func (m *Link) check() error {
	switch m.State {
	case swarm.LinkOpen, swarm.LinkFailed, swarm.LinkClosed:
	default:
		return invalid("state %.20q", m.State)
	}
	if len(m.Reason) > maxReason || m.RTT < 0 || m.Took < 0 {
		return invalid("reason of %d bytes, or a negative time", len(m.Reason))
	}
	return nil
}

// Parents tells who feeds which sub-stream.
type Parents struct {
	Parents []swarm.PeerID `json:"parents"`
}

// Kind implements Message.
func (*Parents) Kind() string { return "parents" }

func (m *Parents) check() error {
	if len(m.Parents) > MaxSubs {
		return invalid("%d parents", len(m.Parents))
	}
	return nil
}

// Invalid accuses a peer of a piece that no beacon signs.
type Invalid struct {
	Peer   swarm.PeerID `json:"peer"`
	Group  uint64       `json:"group"`
	N      uint32       `json:"n"`
	Beacon []byte       `json:"beacon"`
	Piece  []byte       `json:"piece,omitempty"`
}

// Kind implements Message.
func (*Invalid) Kind() string { return "invalid" }

func (m *Invalid) check() error {
	if m.Group > maxInteger || len(m.Beacon) > MaxBeacon || len(m.Piece) > swarm.MaxPiece {
		return invalid("group %d, %d bytes of beacon, %d of piece", m.Group, len(m.Beacon), len(m.Piece))
	}
	return nil
}

// Leave ends the viewer's part.
type Leave struct {
	Reason string `json:"reason,omitempty"`
}

// Kind implements Message.
func (*Leave) Kind() string { return "leave" }

func (m *Leave) check() error {
	if len(m.Reason) > maxReason {
		return invalid("reason of %d bytes", len(m.Reason))
	}
	return nil
}

// Ping measures the way to the edge: it is answered at once.
type Ping struct {
	ID uint64 `json:"id"`
}

// Kind implements Message.
func (*Ping) Kind() string { return "ping" }

func (m *Ping) check() error { return checkPing(m.ID) }

func checkPing(id uint64) error {
	if id > maxInteger {
		return invalid("ping %d", id)
	}
	return nil
}
