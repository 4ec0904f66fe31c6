package swarm

import "time"

// ActionKind says what a Viewer wants done.
type ActionKind string

// What a Viewer wants done. The fields of Action that count are in brackets.
const (
	// ActionConnect: make a connection to that peer [Peer, Offer].
	ActionConnect ActionKind = "connect"
	// ActionClose: end the connection [Peer, Reason].
	ActionClose ActionKind = "close"

	// To the edge.
	ActionFeed    ActionKind = "feed"    // [Subs, ID]
	ActionHedge   ActionKind = "hedge"   // [Count is the id, IDs]
	ActionUnhedge ActionKind = "unhedge" // [Count]
	ActionParents ActionKind = "parents" // [Parents]
	ActionReport  ActionKind = "report"  // [Report]
	ActionInvalid ActionKind = "invalid" // [Peer, ID]
	ActionBye     ActionKind = "bye"     // [Reason]

	// To a peer [Peer, and ...].
	ActionSub    ActionKind = "sub"    // [Sub, ID]
	ActionUnsub  ActionKind = "unsub"  // [Sub]
	ActionHave   ActionKind = "have"   // [Have]
	ActionPull   ActionKind = "pull"   // [IDs]
	ActionCancel ActionKind = "cancel" // [IDs]
	ActionRefuse ActionKind = "refuse" // [Reason, Sub or IDs]
	ActionLeave  ActionKind = "leave"
	// ActionPush: send the piece, after its beacon when that peer has not got it
	// from here [ID].
	ActionPush ActionKind = "push"

	// ActionState: what people are to see changed [Mode, Reason].
	ActionState ActionKind = "state"
)

// Action is what a Viewer wants done.
type Action struct {
	Kind    ActionKind `json:"kind"`
	Peer    PeerID     `json:"peer,omitempty"`
	Offer   bool       `json:"offer,omitempty"`
	Sub     int        `json:"sub,omitempty"`
	Subs    int        `json:"subs,omitempty"`
	ID      PieceID    `json:"id,omitzero"`
	IDs     []PieceID  `json:"ids,omitempty"`
	Count   int        `json:"count,omitempty"`
	Have    []HaveMap  `json:"have,omitempty"`
	Parents []PeerID   `json:"parents,omitempty"`
	Report  *Report    `json:"report,omitempty"`
	Mode    Mode       `json:"mode,omitempty"`
	Reason  Reason     `json:"reason,omitempty"`
}

// Report is what a viewer tells its edge once a second: counters since the last
// one, in bytes, and what is so now.
type Report struct {
	PeerBytes      int64           `json:"peerBytes"`
	EdgeBytes      int64           `json:"edgeBytes"`
	HedgeBytes     int64           `json:"hedgeBytes"`
	LateBytes      int64           `json:"lateBytes"`
	DuplicateBytes int64           `json:"duplicateBytes"`
	UploadBytes    int64           `json:"uploadBytes"`
	InvalidPieces  int             `json:"invalidPieces"`
	Stalls         int             `json:"stalls"`
	Lag            []time.Duration `json:"lag"`
	Queue          time.Duration   `json:"queue"`
	Uplink         int64           `json:"uplink"`
	Slots          int             `json:"slots"`
	Peers          []PeerReport    `json:"peers"`
}

// PeerReport is what a viewer says of one neighbour.
type PeerReport struct {
	Peer  PeerID        `json:"peer"`
	Score float64       `json:"score"`
	RTT   time.Duration `json:"rtt"`
	Bytes int64         `json:"bytes"`
}
