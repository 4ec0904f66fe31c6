// Package certs keeps the TLS certificate that every listener presents.
//
// In comes a pair of PEM files, or nothing; out goes GetCertificate for
// tls.Config. Files are read again when they change, and a new pair that does
// not fit is refused while the old one stays. Without files a Source makes its
// own ECDSA P-256 certificate, short enough in life for a browser to accept it
// by its hash (serverCertificateHashes, W3C WebTransport section 6.5), and
// renews it so that hashes handed out stay true until the next one is known.
//
// Run watches and renews; the other methods may be called by many goroutines.
package certs
