package swarm

import (
	"net/netip"
	"time"
)

// TrackerEventKind says what a Tracker is told.
type TrackerEventKind string

// What a Tracker is told. The fields of TrackerEvent that count are in brackets.
const (
	// TrackerJoin: a viewer said hello [Peer, Profile].
	TrackerJoin TrackerEventKind = "join"
	// TrackerUpdate: its profile changed [Peer, Profile].
	TrackerUpdate TrackerEventKind = "update"
	// TrackerLeave: it said so, or its session ended [Peer].
	TrackerLeave TrackerEventKind = "leave"
	// TrackerLink: what became of a connection [Peer, Other, State, RTT].
	TrackerLink TrackerEventKind = "link"
	// TrackerParents: who feeds which sub-stream of it [Peer, Parents].
	TrackerParents TrackerEventKind = "parents"
	// TrackerReport [Peer, Report].
	TrackerReport TrackerEventKind = "report"
	// TrackerInvalid: it got an invalid piece; Proven when the evidence was checked
	// [Peer, Other, Proven].
	TrackerInvalid TrackerEventKind = "invalid"
	// TrackerLoad: what the edge sends, and can send, bit/s; the stream's bitrate
	// [Egress, Capacity, Bitrate].
	TrackerLoad TrackerEventKind = "load"
	// TrackerKill: a cohort's switch [Off].
	TrackerKill TrackerEventKind = "kill"
	// TrackerTick: time passes; at least every 100 ms.
	TrackerTick TrackerEventKind = "tick"
)

// TrackerEvent is what a Tracker is told.
type TrackerEvent struct {
	Kind     TrackerEventKind
	Peer     PeerID
	Other    PeerID
	Profile  *Profile
	State    LinkState
	RTT      time.Duration
	Parents  []PeerID
	Report   *Report
	Proven   bool
	Egress   int64
	Capacity int64
	Bitrate  int64
	Off      bool
}

// LinkState is what became of a connection between two peers.
type LinkState string

// The states.
const (
	LinkOpen   LinkState = "open"
	LinkFailed LinkState = "failed"
	LinkClosed LinkState = "closed"
)

// Profile is what an edge knows of a viewer when it joins.
type Profile struct {
	Address netip.Addr
	// ASN is 0 when unknown. Carrier says that it is a mobile one.
	ASN     uint32
	Carrier bool
	Country string
	Region  string
	Consent Consent
	Net     NetType
	// SaveData, LowBattery, Hidden, Mobile: what the viewer's machine says.
	SaveData   bool
	LowBattery bool
	Hidden     bool
	Mobile     bool
	LAN        bool
	// Control puts it into the control group: edge only.
	Control bool
	// Cap is the viewer's own limit for upload, bit/s; 0 is none.
	Cap int64
	// Uplink is an earlier estimate, bit/s; 0 is none.
	Uplink int64
	// RTT between viewer and edge.
	RTT   time.Duration
	Agent string
}

// Consent is the viewer's.
type Consent string

// Consent that is not granted means edge only.
const (
	ConsentUnset   Consent = "unset"
	ConsentGranted Consent = "granted"
	ConsentDenied  Consent = "denied"
)

// NetType is the kind of the viewer's network.
type NetType string

// The kinds.
const (
	NetUnknown  NetType = "unknown"
	NetCellular NetType = "cellular"
	NetWiFi     NetType = "wifi"
	NetEthernet NetType = "ethernet"
)

// TrackerActionKind says what a Tracker wants said to a viewer.
type TrackerActionKind string

// What a Tracker wants said to viewer To. The other fields that count are in
// brackets.
const (
	TrackerCandidates TrackerActionKind = "candidates" // [Candidates]
	TrackerAssign     TrackerActionKind = "assign"     // [Sub, Peer, Child]
	TrackerMode       TrackerActionKind = "mode"       // [Mode, Reason]
	TrackerSlots      TrackerActionKind = "slots"      // [Count]
	TrackerDelay      TrackerActionKind = "delay"      // [Delay]
	TrackerDrop       TrackerActionKind = "drop"       // [Peer, Reason, Delay is the ban]
	// TrackerEnd: this viewer is banned, or refused [Reason].
	TrackerEnd TrackerActionKind = "end"
)

// TrackerAction is what a Tracker wants said to a viewer.
type TrackerAction struct {
	Kind       TrackerActionKind
	To         PeerID
	Peer       PeerID
	Child      PeerID
	Sub        int
	Count      int
	Candidates []Candidate
	Mode       Mode
	Reason     Reason
	Delay      time.Duration
}
