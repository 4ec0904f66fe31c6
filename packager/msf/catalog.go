package msf

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

// TrackName is the name of the catalog's own track.
const TrackName = "catalog"

// Version is the catalog version that Encode expects in Catalog.Version.
const Version = "draft-01"

// Values of the fields of a Track and of InitData.
const (
	PackagingCMAF = "cmaf"
	PackagingLOC  = "loc"
	RoleVideo     = "video"
	RoleAudio     = "audio"
	InitInline    = "inline"
)

// Bounds of what Parse takes in.
const (
	// MaxSize bounds a catalog in bytes: headers are about 1 kB a track.
	MaxSize = 1 << 20
	// MaxTracks bounds the tracks of one catalog.
	MaxTracks = 256
)

// The errors of Parse and Encode; test with errors.Is.
var (
	// ErrInvalid: not a catalog, or one that breaks a rule.
	ErrInvalid = errors.New("invalid catalog")
	// ErrDelta: a delta update, which says nothing without the catalog before.
	ErrDelta = errors.New("catalog is a delta update")
)

// Catalog is a whole catalog, not a delta update.
type Catalog struct {
	// Version is a string; CMSF-00 had the number 1, which Parse takes too.
	Version string `json:"version"`
	// GeneratedAt is in ms since the Unix epoch.
	GeneratedAt  int64      `json:"generatedAt,omitempty"`
	Tracks       []Track    `json:"tracks"`
	InitDataList []InitData `json:"initDataList,omitempty"`
	// Swarm says whose beacons count; nil where there are none. It is no field of MSF.
	Swarm *beacon.Keys `json:"swarm,omitempty"`
}

// Track describes one track of the broadcast.
type Track struct {
	Name        string `json:"name"`
	Packaging   string `json:"packaging"`
	IsLive      bool   `json:"isLive"`
	Role        string `json:"role,omitempty"`
	RenderGroup int    `json:"renderGroup,omitempty"`
	// AltGroup binds renditions of one content: their groups are aligned.
	AltGroup int `json:"altGroup,omitempty"`
	// InitRef is the ID of the InitData that starts the track.
	InitRef string `json:"initRef,omitempty"`
	// Codec is the RFC 6381 string.
	Codec     string  `json:"codec,omitempty"`
	Framerate float64 `json:"framerate,omitempty"`
	Timescale uint32  `json:"timescale,omitempty"`
	// Bitrate is in bits per second.
	Bitrate       int    `json:"bitrate,omitempty"`
	Width         int    `json:"width,omitempty"`
	Height        int    `json:"height,omitempty"`
	SampleRate    int    `json:"samplerate,omitempty"`
	ChannelConfig string `json:"channelConfig,omitempty"`
	Lang          string `json:"lang,omitempty"`
	// TargetLatency is in ms.
	TargetLatency int `json:"targetLatency,omitempty"`
	// Beacons names the track that says what the chunks of this one are made of;
	// empty when there is none. It is not among Tracks, so that players which do not
	// know it leave it alone. It is no field of MSF.
	Beacons string `json:"beacons,omitempty"`
}

// InitData is a CMAF header by name.
type InitData struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	// Data is the header, ftyp and moov; base64 in JSON.
	Data []byte `json:"data"`
}

// Init gives the CMAF header of a track. The bytes are shared.
func (c *Catalog) Init(t Track) ([]byte, bool) {
	for i := range c.InitDataList {
		if d := &c.InitDataList[i]; d.ID == t.InitRef && d.Type == InitInline {
			return d.Data, true
		}
	}
	return nil, false
}

// Track looks a track up by its name.
func (c *Catalog) Track(name string) (Track, bool) {
	for _, t := range c.Tracks {
		if t.Name == name {
			return t, true
		}
	}
	return Track{}, false
}

// Encode gives the catalog as JSON.
func (c *Catalog) Encode() ([]byte, error) {
	if err := errors.Join(c.validate(), c.validateSwarm()); err != nil {
		return nil, err
	}
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode catalog: %w", err)
	}
	return b, nil
}

// Parse reads a whole catalog. b is not retained. Fields that this package does
// not know are ignored, as MSF asks, and so are those of the swarm when they break
// a rule: somebody else may mean something else by them, and media plays without.
func Parse(b []byte) (*Catalog, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrInvalid, len(b))
	}
	var in struct {
		Catalog
		Version     json.RawMessage `json:"version"`
		Swarm       json.RawMessage `json:"swarm"`
		DeltaUpdate json.RawMessage `json:"deltaUpdate"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if in.DeltaUpdate != nil {
		return nil, ErrDelta
	}
	version, err := parseVersion(in.Version)
	if err != nil {
		return nil, err
	}
	in.Catalog.Version = version
	if err := in.validate(); err != nil {
		return nil, err
	}
	in.parseSwarm(in.Swarm)
	return &in.Catalog, nil
}

// parseVersion takes a string, or a number as its digits.
func parseVersion(raw json.RawMessage) (string, error) {
	var s string
	if err := json.Unmarshal(raw, &s); err == nil {
		return s, nil
	}
	var n json.Number
	if err := json.Unmarshal(raw, &n); err != nil {
		return "", fmt.Errorf("%w: no version", ErrInvalid)
	}
	return n.String(), nil
}

func (c *Catalog) validate() error {
	if c.Version == "" {
		return fmt.Errorf("%w: no version", ErrInvalid)
	}
	if len(c.Tracks) > MaxTracks {
		return fmt.Errorf("%w: %d tracks", ErrInvalid, len(c.Tracks))
	}
	seen := make(map[string]bool, len(c.Tracks))
	for _, t := range c.Tracks {
		switch {
		case t.Name == "" || t.Packaging == "":
			return fmt.Errorf("%w: a track without name or packaging", ErrInvalid)
		case seen[t.Name]:
			return fmt.Errorf("%w: two tracks named %q", ErrInvalid, t.Name)
		}
		seen[t.Name] = true
	}
	return nil
}
