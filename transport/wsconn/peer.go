package wsconn

import (
	"net"
	"net/http"
)

// peerOf is the address that a session is said to come from.
func peerOf(r *http.Request, tcp net.Conn) net.Addr {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return proxied{tcp.RemoteAddr()}
		}
	}
	return tcp.RemoteAddr()
}

// proxied is the address of a proxy, which must not be taken for the viewer's: one on
// this machine would make everybody local, whom auth serves without any settings. What
// the headers say of the viewer nobody vouches for.
type proxied struct{ net.Addr }

// String is no address that anybody could parse.
func (p proxied) String() string { return "proxy " + p.Addr.String() }
