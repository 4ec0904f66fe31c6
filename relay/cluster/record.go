package cluster

import (
	"cmp"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strings"
)

// record is what the table of streams says about a broadcast.
type record struct {
	Name      string `json:"name"`
	Node      string `json:"node"`
	Instance  string `json:"instance"` // Of the process: a restarted node has another.
	Publisher string `json:"publisher,omitempty"`
	Priority  int    `json:"priority,omitempty"`
	Epoch     uint64 `json:"epoch"`
	Held      bool   `json:"held,omitempty"`
}

// beats tells whether r is the owner if both say that they are. The order is
// total, so that all nodes decide alike.
func (r record) beats(other record) bool {
	return cmp.Or(cmp.Compare(r.Epoch, other.Epoch),
		strings.Compare(other.Node, r.Node), strings.Compare(other.Instance, r.Instance)) > 0
}

func (r record) owner() Owner {
	return Owner{
		Name: r.Name, Node: r.Node, Publisher: r.Publisher, Priority: r.Priority,
		Epoch: r.Epoch, Held: r.Held,
	}
}

// presence is what the table of nodes says about a node.
type presence struct {
	Node
	Instance string `json:"instance"`
}

// encode cannot fail: records are strings, numbers and truth values.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("cluster: encode %T: %v", v, err))
	}
	return text
}

// decodeRecord reads what another node wrote under key.
func decodeRecord(key string, text []byte) (record, bool) {
	var r record
	err := json.Unmarshal(text, &r)
	return r, err == nil && r.Node != "" && keyOf(r.Name) == key
}

func decodePresence(key string, text []byte) (presence, bool) {
	var p presence
	err := json.Unmarshal(text, &p)
	return p, err == nil && p.ID != "" && keyOf(p.ID) == key
}

var base32Key = base32.StdEncoding.WithPadding(base32.NoPadding)

// keyOf is safe in every Store, whatever the name is made of.
func keyOf(name string) string { return base32Key.EncodeToString([]byte(name)) }
