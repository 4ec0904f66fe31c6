package keys_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/datarhei/gosrt/crypto"
	gosrt "github.com/datarhei/gosrt/packet"

	"github.com/freshet-live/freshet/transport/srt/keys"
	"github.com/freshet-live/freshet/transport/srt/packet"
)

// libsrtKeys is the key material of libsrt 1.5.1 for the passphrase
// correct-horse and pbkeylen=32.
const libsrtKeys = "12202901" + "00000000" + "02000200" + "00000408" +
	"a30eef6efdddcd128757a6cb2a6e8ac9" +
	"7ee93784719ec634d9fec5b5cd05c2cff318a085aa9bea79d27986dc793dc8e7bc5d6007af59b89f"

func parse(t *testing.T, raw []byte) packet.KeyMaterial {
	t.Helper()
	k, err := packet.ParseKeyMaterial(raw)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestLibsrtKeysOpen(t *testing.T) {
	raw, err := hex.DecodeString(libsrtKeys)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.NewSecret("correct-horse").Open(parse(t, raw)); err != nil {
		t.Errorf("right passphrase: %v", err)
	}
	if _, err := keys.NewSecret("another-horse").Open(parse(t, raw)); !errors.Is(err, keys.ErrBadSecret) {
		t.Errorf("wrong passphrase: %v", err)
	}
	raw[40] ^= 1
	if _, err := keys.NewSecret("correct-horse").Open(parse(t, raw)); !errors.Is(err, keys.ErrBadSecret) {
		t.Errorf("a changed bit: %v", err)
	}
}

// sender is gosrt's encryption.
type sender struct {
	t *testing.T
	crypto.Crypto
}

func newSender(t *testing.T, length int) sender {
	t.Helper()
	c, err := crypto.New(length)
	if err != nil {
		t.Fatal(err)
	}
	return sender{t, c}
}

func (s sender) material(which packet.Key) packet.KeyMaterial {
	s.t.Helper()
	var m gosrt.CIFKeyMaterialExtension
	if err := s.MarshalKM(&m, "correct-horse", gosrt.PacketEncryption(which)); err != nil {
		s.t.Fatal(err)
	}
	var raw bytes.Buffer
	if err := m.Marshal(&raw); err != nil {
		s.t.Fatal(err)
	}
	return parse(s.t, raw.Bytes())
}

func (s sender) encrypt(text string, which packet.Key, sequence uint32) []byte {
	s.t.Helper()
	b := []byte(text)
	if err := s.EncryptOrDecryptPayload(b, gosrt.PacketEncryption(which), sequence); err != nil {
		s.t.Fatal(err)
	}
	return b
}

func TestDecryptWhatGosrtEncrypts(t *testing.T) {
	for _, length := range []int{16, 24, 32} {
		for _, both := range []packet.Key{packet.EvenKey, packet.OddKey, packet.BothKeys} {
			s := newSender(t, length)
			opened, err := keys.NewSecret("correct-horse").Open(s.material(both))
			if err != nil {
				t.Fatal(err)
			}
			var k keys.Keys
			k.Take(opened)
			for _, which := range []packet.Key{packet.EvenKey, packet.OddKey} {
				const text = "a payload that is longer than two blocks of AES."
				b := s.encrypt(text, which, 0x7ABCDEF1)
				has := both&which != 0
				if ok := k.Decrypt(b, which, 0x7ABCDEF1); ok != has {
					t.Errorf("AES-%d, key %d of %d: %v", length*8, which, both, ok)
				}
				if (string(b) == text) != has {
					t.Errorf("AES-%d, key %d of %d: %q", length*8, which, both, b)
				}
			}
		}
	}
}

func TestNewKeysBesideTheOld(t *testing.T) {
	s := newSender(t, 16)
	secret := keys.NewSecret("correct-horse")
	var k keys.Keys
	take := func(which packet.Key) {
		t.Helper()
		m := s.material(which)
		opened, err := secret.Open(m)
		if err != nil {
			t.Fatal(err)
		}
		if !secret.Known(m) {
			t.Error("the key encrypting key is derived each time")
		}
		k.Take(opened)
	}
	take(packet.EvenKey)
	late := s.encrypt("even", packet.EvenKey, 9)
	take(packet.OddKey)
	if b := s.encrypt("odd", packet.OddKey, 10); !k.Decrypt(b, packet.OddKey, 10) || string(b) != "odd" {
		t.Errorf("new key: %q", b)
	}
	if !k.Decrypt(late, packet.EvenKey, 9) || string(late) != "even" {
		t.Errorf("old key: %q", late)
	}
	if err := s.GenerateSEK(gosrt.EvenKeyEncrypted); err != nil {
		t.Fatal(err)
	}
	take(packet.EvenKey)
	if b := s.encrypt("third", packet.EvenKey, 11); !k.Decrypt(b, packet.EvenKey, 11) || string(b) != "third" {
		t.Errorf("third key: %q", b)
	}
}

func TestOtherSaltOtherKey(t *testing.T) {
	secret := keys.NewSecret("correct-horse")
	for range 2 {
		if _, err := secret.Open(newSender(t, 16).material(packet.EvenKey)); err != nil {
			t.Fatal(err)
		}
	}
	if secret.Known(newSender(t, 16).material(packet.EvenKey)) {
		t.Error("knows a salt that it never saw")
	}
}

func TestOtherCiphers(t *testing.T) {
	m := newSender(t, 16).material(packet.EvenKey)
	m.Cipher, m.Auth = packet.CipherGCM, 1
	if _, err := keys.NewSecret("correct-horse").Open(m); !errors.Is(err, keys.ErrCipher) {
		t.Errorf("GCM: %v", err)
	}
}

func TestNoKeys(t *testing.T) {
	var k keys.Keys
	for _, which := range []packet.Key{packet.Clear, packet.EvenKey, packet.OddKey, packet.BothKeys, 7} {
		if b := []byte("text"); k.Decrypt(b, which, 1) || string(b) != "text" {
			t.Errorf("key %d: %q", which, b)
		}
	}
}

// FuzzOpen: no message panics, and none that was not wrapped with the passphrase
// opens.
func FuzzOpen(f *testing.F) {
	raw, err := hex.DecodeString(libsrtKeys)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	secret := keys.NewSecret("another-horse")
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := packet.ParseKeyMaterial(b)
		if err != nil {
			return
		}
		if _, err := secret.Open(m); err == nil {
			t.Errorf("%x opens", b)
		}
	})
}

func BenchmarkDecrypt(b *testing.B) {
	raw, err := hex.DecodeString(libsrtKeys)
	if err != nil {
		b.Fatal(err)
	}
	m, err := packet.ParseKeyMaterial(raw)
	if err != nil {
		b.Fatal(err)
	}
	opened, err := keys.NewSecret("correct-horse").Open(m)
	if err != nil {
		b.Fatal(err)
	}
	var k keys.Keys
	k.Take(opened)
	payload := make([]byte, 1316)
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		k.Decrypt(payload, packet.EvenKey, 5)
	}
}
