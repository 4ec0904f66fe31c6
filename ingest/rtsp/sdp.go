package rtsp

import (
	"errors"
	"fmt"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/sdpunmarshaler"
)

// errDescription: an SDP that gortsplib cannot read.
var errDescription = errors.New("malformed session description")

// readDescription reads an SDP. gortsplib's parser does not check all that it is
// given (two layers of LATM that share a configuration make it follow a nil), and
// it runs before anybody is asked who he is: what panics there is one bad request,
// not the end of every stream. So it is tried here before gortsplib sees it.
func readDescription(body []byte) (desc *description.Session, err error) {
	defer func() {
		if r := recover(); r != nil {
			desc, err = nil, fmt.Errorf("%w: %v", errDescription, r)
		}
	}()
	sdp, err := sdpunmarshaler.Unmarshal(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDescription, err)
	}
	desc = &description.Session{}
	if err := desc.Unmarshal2(sdp); err != nil {
		return nil, fmt.Errorf("%w: %w", errDescription, err)
	}
	return desc, nil
}
