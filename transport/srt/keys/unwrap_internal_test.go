package keys

import (
	"crypto/aes"
	"encoding/hex"
	"testing"
)

// The vectors of RFC 3394, section 4.
func TestUnwrapVectors(t *testing.T) {
	tests := []struct{ kek, plain, wrapped string }{
		{
			"000102030405060708090A0B0C0D0E0F", "00112233445566778899AABBCCDDEEFF",
			"1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5",
		},
		{
			"000102030405060708090A0B0C0D0E0F1011121314151617", "00112233445566778899AABBCCDDEEFF0001020304050607",
			"031D33264E15D33268F24EC260743EDCE1C6C7DDEE725A936BA814915C6762D2",
		},
		{
			"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
			"00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
			"28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21",
		},
	}
	bytes := func(text string) []byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, tt := range tests {
		kek, err := aes.NewCipher(bytes(tt.kek))
		if err != nil {
			t.Fatal(err)
		}
		plain, ok := unwrap(kek, bytes(tt.wrapped))
		if !ok || hex.EncodeToString(plain) != hex.EncodeToString(bytes(tt.plain)) {
			t.Errorf("%s: %x, %v", tt.wrapped, plain, ok)
		}
	}
	kek, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 7, 8, 16, 23, 25} {
		if _, ok := unwrap(kek, make([]byte, n)); ok {
			t.Errorf("%d bytes of zeros unwrap", n)
		}
	}
}
