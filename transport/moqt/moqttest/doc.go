// Package moqttest has a moqt.Conn in memory, for tests. It is not io.Pipe: it
// has windows for streams and for the connection, limits of streams that are
// given back as streams end, resets that throw away what was not read, and
// deadlines. It works inside testing/synctest, where QUIC over a real socket does
// not, and it passes conntest as QUIC and WebTransport do.
package moqttest
