package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/freshet-live/freshet/auth"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/httpd"
	"github.com/freshet-live/freshet/transport/httpd/llhls"
)

// access is what the doors over HTTP ask.
type access struct {
	guard *auth.Guard
	door  string // "hls" or "api".
}

var (
	_ llhls.Access = access{}
	_ httpd.Access = access{}
)

// Watch implements llhls.Access.
func (a access) Watch(r *http.Request, ns relay.Namespace) (query string, err error) {
	token, query := shown(r)
	grant, err := a.guard.Judge(r.Context(), a.request(r, auth.Subscribe, string(ns), token))
	if !grant.ByToken {
		query = ""
	}
	return query, err
}

// Discover implements httpd.Access.
func (a access) Discover(r *http.Request) (func(relay.Namespace) bool, error) {
	token, _ := shown(r)
	grant, err := a.guard.Judge(r.Context(), a.request(r, auth.Discover, "", token))
	return visible(grant), err
}

func (a access) request(r *http.Request, action auth.Action, path, token string) auth.Request {
	return auth.Request{Door: a.door, Action: action, Path: path, Token: token, Remote: r.RemoteAddr, Forwarded: forwarded(r)}
}

// shown is the token of a request, and the query that would show it again; empty for
// a token in the header (RFC 6750), which players repeat by themselves.
func shown(r *http.Request) (token, query string) {
	const scheme = "bearer "
	if header := r.Header.Get("Authorization"); len(header) > len(scheme) && strings.EqualFold(header[:len(scheme)], scheme) {
		return strings.TrimSpace(header[len(scheme):]), ""
	}
	values := r.URL.Query()
	for _, name := range []string{"token", "jwt"} {
		if token := values.Get(name); token != "" {
			return token, name + "=" + url.QueryEscape(token)
		}
	}
	return "", ""
}

// forwarded tells whether the request comes by a proxy: its address is not the
// viewer's then.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// Refuse implements llhls.Access and httpd.Access.
func (a access) Refuse(w http.ResponseWriter, r *http.Request, ns relay.Namespace, err error) {
	status, reason := http.StatusUnauthorized, auth.Malformed
	if refused, ok := errors.AsType[*auth.Error](err); ok {
		reason = refused.Reason
		if refused.Forbidden() {
			status = http.StatusForbidden
		}
	}
	action := auth.Subscribe
	if ns == "" {
		action = auth.Discover
	}
	a.guard.Refused(a.request(r, action, string(ns), ""), err)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="freshet"`)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{ // A client that left is no error of ours.
		"error": strings.ToLower(http.StatusText(status)), "reason": string(reason), "message": err.Error(),
	})
}
