package msf_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

// swarming is the example with beacons.
func swarming() *msf.Catalog {
	c := example()
	stream := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	session := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
	c.Tracks[0].Beacons = "video.beacons"
	c.Swarm = &beacon.Keys{StreamKey: stream[32:], Certificates: []beacon.Certificate{
		beacon.Certify(stream, "live/cam1", ed25519.PublicKey(session[32:]), 1764200000000, 1764203600000, 1764200000000),
	}}
	return c
}

// The JSON is that of docs/swarm-protocol.md.
func TestSwarm(t *testing.T) {
	text, err := swarming().Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := msf.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(swarming(), back); diff != "" {
		t.Error(diff)
	}
	for _, part := range []string{
		`"beacons":"video.beacons"`, `"swarm":{"streamKey":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=","certificates":[{"key":"`,
		`"notBefore":1764200000000,"notAfter":1764203600000,"minGroup":1764200000000,"signature":"`,
	} {
		if !bytes.Contains(text, []byte(part)) {
			t.Errorf("%s is not in\n%s", part, text)
		}
	}
}

// What breaks a rule of the swarm is not written, and costs a reader the swarm
// alone.
func TestSwarmRules(t *testing.T) {
	for name, change := range map[string]func(*msf.Catalog){
		"without keys":     func(c *msf.Catalog) { c.Swarm = nil },
		"of its own track": func(c *msf.Catalog) { c.Tracks[0].Beacons = "video" },
		"of another track": func(c *msf.Catalog) { c.Tracks[0].Beacons = "audio" },
		"in the catalog":   func(c *msf.Catalog) { c.Tracks[0].Beacons = msf.TrackName },
		"of two tracks":    func(c *msf.Catalog) { c.Tracks[1].Beacons = "video.beacons" },
		"a short key":      func(c *msf.Catalog) { c.Swarm.StreamKey = c.Swarm.StreamKey[1:] },
		"a certificate":    func(c *msf.Catalog) { c.Swarm.Certificates[0].NotAfter = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			c := swarming()
			change(c)
			if _, err := c.Encode(); !errors.Is(err, msf.ErrInvalid) {
				t.Errorf("encode: %v", err)
			}
			text, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			withoutSwarm(t, text)
		})
	}
}

// Somebody else may mean something else by the fields.
func TestForeignSwarm(t *testing.T) {
	for _, value := range []string{`5`, `"yes"`, `null`, `[]`, `{}`, `{"streamKey":7}`, `{"streamKey":"*"}`} {
		text := strings.Replace(foreign, `"somethingNew":{"a":1}`, fmt.Sprintf(`"swarm":%s`, value), 1)
		withoutSwarm(t, []byte(strings.Replace(text, `"isLive":true`, `"isLive":true,"beacons":"b"`, 1)))
	}
}

func withoutSwarm(t *testing.T, text []byte) {
	t.Helper()
	c, err := msf.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if c.Swarm != nil || c.Tracks[0].Beacons != "" || c.Tracks[0].Codec == "" {
		t.Errorf("%s is read as %+v", text, c)
	}
}
