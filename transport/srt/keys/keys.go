package keys

import (
	"crypto/cipher"
	"encoding/binary"

	"github.com/freshet-live/freshet/transport/srt/packet"
)

// key is a stream encrypting key with the salt it came with.
type key struct {
	block cipher.Block // nil when there is none.
	salt  [16]byte
}

// Opened are the keys of one message.
type Opened struct{ keys [2]key }

// Keys are the even and the odd key of a sender. The zero value has none. They
// are not safe for concurrent use.
type Keys struct {
	keys    [2]key
	counter [16]byte // Scratch of Decrypt.
}

// Take takes the keys that o has; the others stay.
func (k *Keys) Take(o Opened) {
	for i := range o.keys {
		if o.keys[i].block != nil {
			k.keys[i] = o.keys[i]
		}
	}
}

// Decrypt decrypts a payload in its place (sections 6.1.2 and 6.3.2). It is false,
// and the payload as it was, when the key is not there.
//
// The counter's object of 512 bytes is the one thing that is allocated for a
// packet: the standard library's stream, which must be made anew for each, takes
// 0.2 us for 1316 bytes, block by block without it 1.2 us.
func (k *Keys) Decrypt(payload []byte, which packet.Key, sequence uint32) bool {
	if which != packet.EvenKey && which != packet.OddKey {
		return false
	}
	key := &k.keys[which-1]
	if key.block == nil {
		return false
	}
	// The first 112 bits of the salt, the sequence number in the last 32 of them;
	// then 16 bits that count the blocks.
	k.counter = key.salt
	word := binary.BigEndian.Uint32(k.counter[10:]) ^ sequence
	binary.BigEndian.PutUint32(k.counter[10:], word)
	k.counter[14], k.counter[15] = 0, 0
	cipher.NewCTR(key.block, k.counter[:]).XORKeyStream(payload, payload)
	return true
}
