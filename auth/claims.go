package auth

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// Claims are what a token says.
type Claims struct {
	jwt.RegisteredClaims
	// Root is put before each path of Put and Get.
	Root string `json:"root,omitempty"`
	// Put are the paths that the bearer may publish, Get those that it may watch.
	Put Paths `json:"put,omitempty"`
	Get Paths `json:"get,omitempty"`
}

// Paths are path prefixes; in JSON one string or a list.
type Paths []string

// UnmarshalJSON takes a string or a list of strings.
func (p *Paths) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil && string(b) != "null" {
		*p = Paths{one}
		return nil
	}
	var list []string
	if err := json.Unmarshal(b, &list); err != nil {
		return errors.New("neither a path nor a list of paths")
	}
	*p = list
	return nil
}

// Action is what a peer asks to do.
type Action string

// The actions.
const (
	Publish   Action = "publish"
	Subscribe Action = "subscribe"
	// Discover is to be told of the broadcasts under a path.
	Discover Action = "discover"
)

// Allow tells whether the claims grant an action on a path; the error says what they
// do grant.
func (c *Claims) Allow(a Action, path string) error {
	granted := c.prefixes(a)
	if granted.allow(a, path) {
		return nil
	}
	what := "to " + string(a) + " nothing"
	if len(granted) > 0 {
		what = "to " + string(a) + " below " + strings.Join(granted, ", ")
	}
	return &Error{Reason: WrongPath, Text: "the token does not cover " + quote(path) + "; it is good " + what}
}

// prefixes are whole paths, the root included.
func (c *Claims) prefixes(a Action) prefixes {
	list := c.Get
	if a == Publish {
		list = c.Put
	}
	out := make(prefixes, len(list))
	for i, p := range list {
		out[i] = normalize(c.Root + "/" + p)
	}
	return out
}

// prefixes are paths that stand for all below them; "" for everything.
type prefixes []string

func (p prefixes) allow(a Action, path string) bool {
	for _, prefix := range p {
		if below(path, prefix) || a == Discover && below(prefix, path) {
			return true
		}
	}
	return false
}

// below tells whether path is prefix, or lies under it by whole elements.
func below(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (prefix == "" || rest == "" || rest[0] == '/')
}

// normalize leaves out what slashes there are too many.
func normalize(path string) string {
	return strings.Join(strings.FieldsFunc(path, func(r rune) bool { return r == '/' }), "/")
}
