package rtsp

import (
	"errors"

	"github.com/bluenviron/gortsplib/v5/pkg/base"

	"github.com/freshet-live/freshet/ingest"
)

// errPlay: the gateway is not for RTSP players.
var errPlay = errors.New("viewers are served over MoQ and HLS, not RTSP")

// malformed is the name of requests that are refused by gortsplib.
const malformed = "malformed"

// rejection is how a reason is told: to the peer by code and phrase, to the
// operator by name. Names are metric labels.
type rejection struct {
	err    error
	code   base.StatusCode
	phrase string
	name   string
}

// RTSP has no code for a conflict; 400 with a phrase is what MediaMTX gives, and
// encoders know to try again.
var rejections = []rejection{
	{ingest.ErrBadName, base.StatusBadRequest, "Bad Name", "bad_name"},
	{ingest.ErrUnauthorized, base.StatusUnauthorized, "Unauthorized", "unauthorized"},
	{ingest.ErrForbidden, base.StatusForbidden, "Forbidden", "forbidden"},
	{ingest.ErrAlreadyPublishing, base.StatusBadRequest, "Already Publishing", "already_publishing"},
	{ingest.ErrDraining, base.StatusServiceUnavailable, "Draining", "draining"},
	{errNoMedia, base.StatusUnsupportedMediaType, "Unsupported Media Type", "unsupported_media"},
	{errTooMany, base.StatusBadRequest, "Too Many Streams", "too_many_streams"},
	{errPlay, base.StatusMethodNotAllowed, "Method Not Allowed", "play"},
}

// rejectionFor finds how to tell err.
func rejectionFor(err error) rejection {
	for _, r := range rejections {
		if errors.Is(err, r.err) {
			return r
		}
	}
	return rejection{err, base.StatusInternalServerError, "Internal Server Error", "internal"}
}

// challenge asks for a user and a password, of which the password is the token.
func challenge() base.Header {
	return base.Header{"WWW-Authenticate": base.HeaderValue{`Basic realm="freshet"`}}
}
