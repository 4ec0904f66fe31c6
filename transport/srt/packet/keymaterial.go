package packet

import "encoding/binary"

// Values of a key material message that have no choice (section 3.2.2).
const (
	keyVersionType = 0x12   // Version 1, packet type 2.
	keySign        = 0x2029 // "HAI" as a PnP vendor id.
	keyEncapsulate = 2      // MPEG-TS over SRT.
	keyHeaderSize  = 16
	saltSize       = 16
	icvSize        = 8 // What AES key wrap adds.
)

// The ciphers of a key material message.
const (
	CipherCTR = 2
	CipherGCM = 4
)

// KeyMaterial is a message with wrapped keys (section 3.2.2): an extension of the
// handshake, or the field of a TypeUser packet when keys change.
type KeyMaterial struct {
	Keys   Key   // Which keys are wrapped: EvenKey, OddKey or BothKeys.
	Cipher uint8 // CipherCTR is what everybody knows.
	Auth   uint8 // 0; 1 with CipherGCM.
	// KeyLength is that of one key in bytes: 16, 24 or 32.
	KeyLength int
	Salt      [saltSize]byte
	// Wrapped are the keys, the even one first, in the wrap of RFC 3394: 8 bytes
	// more than the keys have. A part of what was parsed.
	Wrapped []byte
}

// ParseKeyMaterial reads a message. Other ciphers than CTR are no error; whoever
// uses the keys looks at Cipher.
func ParseKeyMaterial(b []byte) (k KeyMaterial, err error) {
	if len(b) < keyHeaderSize {
		return k, malformed("key material of %d bytes", len(b))
	}
	if b[0] != keyVersionType || binary.BigEndian.Uint16(b[1:]) != keySign {
		return k, malformed("key material begins with %x", b[:3])
	}
	k.Keys = Key(b[3] & 3)
	if k.Keys == Clear {
		return k, malformed("key material without keys")
	}
	if kek := binary.BigEndian.Uint32(b[4:]); kek != 0 {
		return k, malformed("key encrypting key %d", kek)
	}
	k.Cipher, k.Auth = b[8], b[9]
	if b[10] != keyEncapsulate {
		return k, malformed("stream encapsulation %d", b[10])
	}
	if n := int(b[14]) * 4; n != saltSize {
		return k, malformed("salt of %d bytes", n)
	}
	k.KeyLength = int(b[15]) * 4
	switch k.KeyLength {
	case 16, 24, 32:
	default:
		return k, malformed("keys of %d bytes", k.KeyLength)
	}
	wrapped := k.KeyLength + icvSize
	if k.Keys == BothKeys {
		wrapped += k.KeyLength
	}
	b = b[keyHeaderSize:]
	if len(b) != saltSize+wrapped {
		return k, malformed("%d bytes of salt and keys", len(b))
	}
	copy(k.Salt[:], b)
	k.Wrapped = b[saltSize:]
	return k, nil
}

// Append writes the message.
func (k KeyMaterial) Append(b []byte) []byte {
	b = append(b, keyVersionType, keySign>>8, keySign&0xFF, byte(k.Keys&BothKeys))
	b = append(b, 0, 0, 0, 0)
	b = append(b, k.Cipher, k.Auth, keyEncapsulate, 0)
	b = append(b, 0, 0, saltSize/4, byte(k.KeyLength/4))
	b = append(b, k.Salt[:]...)
	return append(b, k.Wrapped...)
}
