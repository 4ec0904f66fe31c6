package srt

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// The reasons to refuse a stream id; test with errors.Is.
var (
	// ErrBadStreamID: the id cannot be read, or names no stream.
	ErrBadStreamID = errors.New("bad stream id")
	// ErrBadMode: the caller wants something else than to publish.
	ErrBadMode = errors.New("bad mode")
	// ErrBadMedia: the caller wants to send something else than a stream.
	ErrBadMedia = errors.New("media not supported")
)

// StreamID is what a publisher says about itself.
type StreamID struct {
	// Name is the broadcast's; empty when the id does not name one. It is not
	// validated.
	Name string
	// User and Token are what the id gives as credentials. They travel in
	// clear.
	User, Token string
}

// ParseStreamID reads the forms that encoders are told to use:
//
//	#!::r=live/cam1,m=publish,u=user,s=token    the standard's (SRT Access Control);
//	                                            token= and jwt= are taken as well
//	#!::bmd_uuid=..,bmd_name=Web Presenter 4K   without a name: Blackmagic
//	publish:live/cam1[:user:token][:query]      MediaMTX
//	live/cam1, /live/cam1[?token=..]            the bare name; jwt= as well
//
// It forgives what shells, URLs and apps do to an id on its way: "#\!::", whole
// or partial percent-encoding, Larix's "#feedbackplay" at the end, blanks. Keys
// it does not know are skipped. The errors are ErrBadStreamID, ErrBadMode and
// ErrBadMedia.
func ParseStreamID(id string) (StreamID, error) {
	id = strings.TrimSpace(strings.TrimRight(id, "\x00"))
	id = strings.TrimSuffix(id, "#feedbackplay")
	if list, ok := standardForm(id); ok {
		return parseKeys(list)
	}
	id = unescape(id)
	id = strings.TrimSuffix(id, "#feedbackplay")
	if list, ok := standardForm(id); ok {
		return parseKeys(list)
	}
	if strings.HasPrefix(id, "#!:") {
		return StreamID{}, fmt.Errorf("%w: only the form #!:: is known", ErrBadStreamID)
	}
	return parsePlain(id)
}

// standardForm strips the marker of the access-control syntax.
func standardForm(id string) (string, bool) {
	for _, marker := range []string{"#!::", `#\!::`} {
		if list, ok := strings.CutPrefix(id, marker); ok {
			return list, true
		}
	}
	return "", false
}

// parseKeys reads the standard's list of comma-separated key=value pairs.
func parseKeys(list string) (StreamID, error) {
	var id StreamID
	for pair := range strings.SplitSeq(list, ",") {
		key, value, _ := strings.Cut(pair, "=")
		value = unescape(strings.TrimSpace(value))
		switch strings.TrimSpace(key) {
		case "r":
			var token string
			id.Name, token = splitName(value)
			id.Token = cmp.Or(id.Token, token)
		case "u":
			id.User = value
		case "s", "token", "jwt":
			id.Token = value
		case "m":
			if err := checkMode(value); err != nil {
				return StreamID{}, err
			}
		case "t":
			if value != "" && value != "stream" {
				return StreamID{}, fmt.Errorf("%w: t=%q", ErrBadMedia, value)
			}
		}
	}
	return id, nil
}

// checkMode takes only publishers. The standard's default is "request", but
// encoders leave the key out (Blackmagic), and players do not come here.
func checkMode(mode string) error {
	if mode == "" || mode == "publish" {
		return nil
	}
	return fmt.Errorf("%w: %q; this listener takes publishers only", ErrBadMode, mode)
}

// parsePlain reads the colon form and the bare name.
func parsePlain(id string) (StreamID, error) {
	parts := strings.Split(id, ":")
	if len(parts) == 1 {
		name, token := splitName(id)
		return StreamID{Name: name, Token: token}, nil
	}
	if len(parts) > 5 {
		return StreamID{}, fmt.Errorf("%w: %d parts", ErrBadStreamID, len(parts))
	}
	if err := checkMode(parts[0]); err != nil {
		return StreamID{}, err
	}
	name, token := splitName(parts[1])
	out := StreamID{Name: name, Token: token}
	if len(parts) >= 4 {
		out.User, out.Token = parts[2], cmp.Or(parts[3], out.Token)
	}
	if len(parts)%2 == 1 { // The last one is a query.
		out.Token = cmp.Or(queryToken(parts[len(parts)-1]), out.Token)
	}
	return out, nil
}

// splitName takes off the slashes around a path, and the token out of its query.
func splitName(path string) (name, token string) {
	name, query, _ := strings.Cut(path, "?")
	return strings.Trim(strings.TrimSpace(name), "/"), queryToken(query)
}

func queryToken(query string) string {
	values, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	return cmp.Or(values.Get("token"), values.Get("jwt"))
}

// secrets are the places of an id where a token can be.
var secrets = regexp.MustCompile(`((?:^|[,?&:!])\s*(?:s|token|jwt)\s*=)[^,&#:]*`)

// redact leaves out of a raw id what nobody should read in a log.
func redact(raw string, id StreamID) string {
	raw = secrets.ReplaceAllString(unescape(raw), "${1}[redacted]")
	if id.Token != "" {
		raw = strings.ReplaceAll(raw, id.Token, "[redacted]")
	}
	return raw
}

// unescape undoes percent-encoding; what is not encoded stays.
func unescape(s string) string {
	if decoded, err := url.PathUnescape(s); err == nil {
		return decoded
	}
	return s
}
