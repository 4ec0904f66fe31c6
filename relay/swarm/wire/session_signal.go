package wire

import "github.com/freshet-live/freshet/relay/swarm"

// Signal carries a description or a candidate between peers, both ways: Peer is to
// whom, or from whom.
type Signal struct {
	Peer        swarm.PeerID `json:"peer"`
	Description *Description `json:"description,omitempty"`
	Candidate   *Candidate   `json:"candidate,omitempty"`
}

// Description is an RTCSessionDescription.
type Description struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
}

// Candidate is an RTCIceCandidate; an empty one says that no more will come.
type Candidate struct {
	Candidate     string  `json:"candidate"`
	SDPMid        *string `json:"sdpMid,omitempty"`
	SDPMLineIndex *uint16 `json:"sdpMLineIndex,omitempty"`
}

// Kind implements Message.
func (*Signal) Kind() string { return "signal" }

func (m *Signal) check() error {
	if (m.Description == nil) == (m.Candidate == nil) {
		return invalid("either a description or a candidate")
	}
	if d := m.Description; d != nil {
		if d.Type != "offer" && d.Type != "answer" || len(d.SDP) > MaxSDP {
			return invalid("description %.20q of %d bytes", d.Type, len(d.SDP))
		}
		return nil
	}
	c := m.Candidate
	if len(c.Candidate) > MaxCandidate || c.SDPMid != nil && len(*c.SDPMid) > maxMid ||
		c.SDPMLineIndex != nil && *c.SDPMLineIndex > maxMLine {
		return invalid("candidate of %d bytes", len(c.Candidate))
	}
	return nil
}
