package shards

import (
	"crypto/rand"
	"fmt"

	"github.com/quic-go/quic-go"
)

// Most is how many processes can share an address: all have a fair share of the values
// of a byte.
const Most = 64

// idLength is that of connection IDs: one byte says which process, seven are chance.
const idLength = 8

// ConnectionIDs chooses connection IDs for the process Index of the Of that share an
// address.
type ConnectionIDs struct{ Index, Of int }

var _ quic.ConnectionIDGenerator = ConnectionIDs{}

// GenerateConnectionID implements quic.ConnectionIDGenerator.
func (c ConnectionIDs) GenerateConnectionID() (quic.ConnectionID, error) {
	var b [idLength]byte
	if _, err := rand.Read(b[:]); err != nil {
		return quic.ConnectionID{}, fmt.Errorf("connection id: %w", err)
	}
	// The rest of the byte is chance, too: nobody should see how many there are.
	rounds := 256 / c.Of
	b[0] = byte(int(b[0])%rounds*c.Of + c.Index)
	return quic.ConnectionIDFromBytes(b[:]), nil
}

// ConnectionIDLen implements quic.ConnectionIDGenerator.
func (c ConnectionIDs) ConnectionIDLen() int { return idLength }
