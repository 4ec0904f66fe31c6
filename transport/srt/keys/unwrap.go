package keys

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// integrity is the first word of what was wrapped (RFC 3394, section 2.2.3.1).
const integrity = 0xA6A6A6A6A6A6A6A6

// unwrap undoes AES key wrap (RFC 3394, section 2.2.2). wrapped is not changed;
// ok tells that kek is the key it was wrapped with.
func unwrap(kek cipher.Block, wrapped []byte) (plain []byte, ok bool) {
	n := len(wrapped)/8 - 1
	if n < 2 || len(wrapped)%8 != 0 {
		return nil, false
	}
	plain = append(plain, wrapped[8:]...)
	var block [16]byte
	copy(block[:], wrapped[:8])
	for j := 5; j >= 0; j-- {
		for i := n; i >= 1; i-- {
			word := plain[(i-1)*8 : i*8]
			step := binary.BigEndian.Uint64(block[:]) ^ uint64(n*j+i)
			binary.BigEndian.PutUint64(block[:], step)
			copy(block[8:], word)
			kek.Decrypt(block[:], block[:])
			copy(word, block[8:])
		}
	}
	var want [8]byte
	binary.BigEndian.PutUint64(want[:], integrity)
	return plain, subtle.ConstantTimeCompare(block[:8], want[:]) == 1
}
