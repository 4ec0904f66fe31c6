package ingest

import (
	"fmt"
	"slices"
	"strings"
)

// MaxName is the longest name of a broadcast in bytes: it travels in URLs, MoQ
// namespaces and SRT stream ids (512 bytes at most).
const MaxName = 255

// reserved are first path elements that the HTTP server keeps for itself.
var reserved = []string{"v1", "player", "moq"}

// ValidateName checks the name of a broadcast: path elements of unreserved
// characters (RFC 3986, section 2.3) joined by "/". They need no escaping in
// any of the places that names go to, and cannot leave a folder. The error is
// ErrBadName with the reason.
func ValidateName(name string) error {
	if name == "" {
		return fmt.Errorf("%w: empty", ErrBadName)
	}
	if len(name) > MaxName {
		return fmt.Errorf("%w: longer than %d bytes", ErrBadName, MaxName)
	}
	elements := strings.Split(name, "/")
	for _, e := range elements {
		if err := validateElement(e); err != nil {
			return err
		}
	}
	if slices.Contains(reserved, elements[0]) {
		return fmt.Errorf("%w: %q is reserved", ErrBadName, elements[0])
	}
	return nil
}

func validateElement(e string) error {
	switch e {
	case "":
		return fmt.Errorf("%w: empty path element", ErrBadName)
	case ".", "..":
		return fmt.Errorf("%w: path element %q", ErrBadName, e)
	}
	for _, c := range []byte(e) {
		if !unreserved(c) {
			return fmt.Errorf("%w: character %q", ErrBadName, c)
		}
	}
	return nil
}

func unreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("._~-", c) >= 0
}
