// Package keys decrypts what comes over SRT (draft-sharabayko-srt, section 6).
//
//	passphrase, salt ──PBKDF2──> key encrypting key
//	wrapped keys ──RFC 3394, key encrypting key──> even key, odd key
//	payload ──AES-CTR, one of them, salt, sequence number──> payload in clear
//
// A Secret does the first two, which cost about a millisecond, on whatever
// goroutine may wait; Keys do the third for every packet. Sender and receiver
// change between the even and the odd key, so that packets of both can be on
// their way.
//
// AES-CTR proves nothing: who can send from the peer's address can change
// packets, and is not noticed.
package keys
