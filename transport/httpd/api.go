package httpd

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// maxNamed bounds how many broadcasts an error text names.
const maxNamed = 10

type info struct {
	Version string     `json:"version"`
	MoQ     *moqInfo   `json:"moq,omitempty"`
	Swarm   *swarmInfo `json:"swarm,omitempty"`
	// Edges are origins of other gateways with the same broadcasts.
	Edges []string `json:"edges,omitempty"`
}

type swarmInfo struct {
	// Ask is whether people are to be asked for their consent: ask, allow, off.
	Ask string `json:"ask"`
}

type moqInfo struct {
	URL string `json:"url"`
	// CertificateHashes are for WebTransport's serverCertificateHashes: there
	// for a self-made certificate alone.
	CertificateHashes []string `json:"certificateHashes,omitempty"`
	// WebSocket is the path of MoQ over WebSocket, at the address that was asked.
	WebSocket string `json:"webSocket"`
}

// serveInfo tells a player where MoQ is: at the host it came to, as only that
// name is known to lead here, unless the operator knows better.
func (s *Server) serveInfo(w http.ResponseWriter, r *http.Request) {
	out := info{Version: s.cfg.Version}
	if s.encrypted != nil {
		out.MoQ = &moqInfo{URL: s.moqURL(r.Host), WebSocket: "/moq"}
		if s.cfg.Certs.SelfMade() {
			for _, hash := range s.cfg.Certs.Hashes() {
				out.MoQ.CertificateHashes = append(out.MoQ.CertificateHashes, hex.EncodeToString(hash[:]))
			}
		}
	}
	if s.cfg.Swarm != nil && out.MoQ != nil {
		out.Swarm = &swarmInfo{Ask: s.cfg.Swarm(viewerOf(r))}
	}
	if s.cfg.Edges != nil {
		out.Edges = s.cfg.Edges()
	}
	serveJSON(w, out)
}

// viewerOf is the address that a request came from.
func viewerOf(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

func (s *Server) moqURL(requested string) string {
	if s.cfg.PublicMoQURL != "" {
		return s.cfg.PublicMoQURL
	}
	host := net.JoinHostPort(hostname(requested), strconv.Itoa(port(s.encrypted.Addr())))
	return (&url.URL{Scheme: "https", Host: host, Path: "/moq"}).String()
}

// hostname takes the port off a Host header, and the brackets of IPv6.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

// serveTime lets a player find how far its clock is off: Unix time in ms.
func serveTime(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	us := time.Now().UnixMicro()
	fmt.Fprintf(w, "%d.%03d", us/1000, us%1000)
}

type broadcastInfo struct {
	Name   string   `json:"name"`
	Tracks []string `json:"tracks"`
}

// serveBroadcasts lists what the caller may see.
func (s *Server) serveBroadcasts(w http.ResponseWriter, r *http.Request) {
	visible, err := s.cfg.Access.Discover(r)
	if err != nil {
		s.cfg.Access.Refuse(w, r, "", err)
		return
	}
	broadcasts, _ := s.cfg.Relay.Broadcasts("")
	list := make([]broadcastInfo, 0, len(broadcasts))
	for _, b := range broadcasts {
		if !visible(b.Namespace()) {
			continue
		}
		entry := broadcastInfo{Name: string(b.Namespace()), Tracks: []string{}}
		for _, t := range b.Tracks() {
			entry.Tracks = append(entry.Tracks, t.Name())
		}
		list = append(list, entry)
	}
	serveJSON(w, list)
}

// serveCertificateHash is in the form that players ask for as a fingerprint.
func (s *Server) serveCertificateHash(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Certs == nil {
		s.notFound(w, r)
		return
	}
	hash := s.cfg.Certs.Hash()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, hex.EncodeToString(hash[:]))
}

func serveJSON(w http.ResponseWriter, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic("httpd: a plain struct does not marshal: " + err.Error())
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n'))
}

// redirectOrNotFound leads "/live/cam1" to the page of a live broadcast.
func (s *Server) redirectOrNotFound(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	visible, err := s.cfg.Access.Discover(r)
	if _, ok := s.cfg.Relay.Broadcast(relay.Namespace(name)); !ok || err != nil || !visible(relay.Namespace(name)) {
		s.notFound(w, r)
		return
	}
	target := url.URL{Path: "/" + name + "/", RawQuery: r.URL.RawQuery}
	http.Redirect(w, r, target.String(), http.StatusTemporaryRedirect)
}

// notFound names what there is, as far as the caller may see it.
func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	http.Error(w, fmt.Sprintf("nothing at %q%s", r.URL.Path, s.liveNow(r)), http.StatusNotFound)
}

func (s *Server) liveNow(r *http.Request) string {
	visible, err := s.cfg.Access.Discover(r)
	if err != nil {
		return ""
	}
	broadcasts, _ := s.cfg.Relay.Broadcasts("")
	broadcasts = slices.DeleteFunc(broadcasts, func(b *relay.Broadcast) bool { return !visible(b.Namespace()) })
	if len(broadcasts) == 0 {
		return "; no broadcast is live"
	}
	var names []string
	for _, b := range broadcasts[:min(len(broadcasts), maxNamed)] {
		names = append(names, string(b.Namespace()))
	}
	text := "; live now: " + strings.Join(names, ", ")
	if more := len(broadcasts) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
