package packager

import (
	"bytes"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/packager/cmaf"
)

// video packages one video stream: one picture, one chunk.
type video struct {
	slot *slot
	sets parameterSets
	// headerTried says that the sets, as they are, are in the header or make
	// none.
	headerTried bool
	headerGood  bool

	state     videoState
	sawRandom bool
	begun     bool
	firstDTS  int64 // Of the first unit.
	groupDTS  int64 // Of the first unit of the group.
	startPTS  int64 // Of the unit that decoding started at.
	open      bool  // Decoding started at startPTS; pictures shown before it do not decode.
	shift     int64 // Composition of the group's first picture: PTS less DTS.
	blind     bool  // Without random access points.
	units     [][]byte
	sample    [1]cmaf.Sample
}

type videoState uint8

const (
	videoWaiting videoState = iota // For the first random access point.
	videoRunning
	videoSkipping // For the next, since something was lost.
)

func newVideo(s *slot) *video {
	return &video{slot: s, sets: parameterSets{codec: s.stream.Codec}}
}

// picture is what one look at the NAL units tells.
type picture struct {
	media   bool // There is a slice.
	sync    bool // IDR, CRA or BLA.
	leading bool // RASL.
	hasSPS  bool
}

// push packages a picture.
func (v *video) push(au *ingest.AccessUnit, at placed) error {
	pic := v.scan(au.Units)
	defer clear(v.units)
	if !v.begun {
		v.begun, v.firstDTS = true, at.dts
	}
	if !pic.media {
		v.slot.p.drop(dropEmpty)
		return nil
	}
	random := au.Random || pic.sync
	v.sawRandom = v.sawRandom || random
	if random {
		v.blind = false
	}
	if au.Lost && v.state == videoRunning && !v.blind {
		v.state = videoSkipping
	}
	if random || v.startsBlind(pic, at) {
		return v.start(pic, random, au, at)
	}
	if reason := v.unusable(pic, at); reason != "" {
		v.slot.p.drop(reason)
		return nil
	}
	return v.publish(pic, random, au, at)
}

// startsBlind tells whether a picture begins a group in a stream that has shown
// no random access point: after a while without, and then every while.
func (v *video) startsBlind(pic picture, at placed) bool {
	if v.blind && v.state == videoRunning {
		return at.dts-v.groupDTS >= blindGroup
	}
	waited := at.dts - v.firstDTS
	if v.sawRandom || v.state == videoRunning || waited < blindWait || !v.sets.complete() {
		return false
	}
	return pic.hasSPS || waited >= 2*blindWait
}

// unusable gives the reason why a picture cannot be decoded, or none.
func (v *video) unusable(pic picture, at placed) string {
	switch {
	case v.state == videoWaiting:
		return dropWaiting
	case v.state == videoSkipping:
		return dropLost
	case v.open && (pic.leading || at.pts < v.startPTS):
		return dropLeading
	}
	if v.open && at.dts >= v.startPTS {
		v.open = false // Whatever comes now is shown after the start.
	}
	return ""
}

// start begins a group with a picture, on a new track if the header changed.
func (v *video) start(pic picture, random bool, au *ingest.AccessUnit, at placed) error {
	ok, err := v.prepare()
	if err != nil {
		return err
	}
	if !ok {
		v.state = videoWaiting
		v.slot.p.drop(dropFormat)
		return nil
	}
	if !random && !v.blind {
		v.blind = true
		v.slot.p.log.Warn("video has no random access points; viewers may see garbage at first",
			"track", v.slot.name)
	}
	v.strip(au.Units)
	if v.state != videoRunning {
		v.open, v.startPTS = random, at.pts
	}
	v.state = videoRunning
	v.groupDTS = at.dts
	v.shift = at.pts - at.dts
	v.slot.openGroup(v.slot.p.groups.lead(at.pts, true))
	return v.publish(pic, random, au, at)
}

// publish writes the chunk. Decode times are moved so that the group's first
// PTS is its decode time; pictures shown before they decode then have negative
// offsets, and no edit list is needed (23000-19, 9.2.1).
func (v *video) publish(pic picture, random bool, au *ingest.AccessUnit, at placed) error {
	o := v.slot.out
	flags := cmaf.FlagsDependent
	switch {
	case pic.sync:
		flags = cmaf.FlagsSync
	case random:
		flags = cmaf.FlagsIntra
	}
	delta := at.delta
	if d := int64(o.header.FrameDuration); d > 0 && !o.started {
		delta = d // The timeline could not know it yet.
	}
	duration, offset := o.fit(at.dts+v.shift, at.pts, delta)
	v.sample[0] = cmaf.Sample{Units: v.units, Duration: duration, Offset: offset, Flags: flags}
	return o.append(v.sample[:], true, au.Complete.Add(-v.slot.p.delay), au.Complete)
}

// scan takes the parameter sets out of the units and keeps the rest in v.units.
// A new set stays in as well: before the next header it is only there.
func (v *video) scan(units [][]byte) picture {
	var pic picture
	v.units = v.units[:0]
	for _, nal := range units {
		kind := kindOf(v.sets.codec, nal)
		switch kind {
		case nalIgnored:
			continue
		case nalVPS, nalSPS, nalPPS:
			pic.hasSPS = pic.hasSPS || kind == nalSPS
			if !v.sets.put(kind, nal) && !v.sets.changed {
				continue
			}
		case nalSlice:
			pic.media = true
		case nalSync:
			pic.media, pic.sync = true, true
		case nalSkipped:
			pic.media, pic.leading = true, true
		case nalOther:
		}
		v.units = append(v.units, nal)
	}
	return pic
}

// strip leaves all parameter sets out: the header has them.
func (v *video) strip(units [][]byte) {
	v.units = v.units[:0]
	for _, nal := range units {
		switch kindOf(v.sets.codec, nal) {
		case nalIgnored, nalVPS, nalSPS, nalPPS:
		default:
			v.units = append(v.units, nal)
		}
	}
}

// prepare sees to a track with a header of the present parameter sets.
func (v *video) prepare() (bool, error) {
	if !v.sets.changed && v.headerTried {
		return v.headerGood, nil
	}
	if !v.sets.complete() {
		return false, nil
	}
	s := v.slot
	header, err := cmaf.NewVideoHeader(s.stream.Codec, v.sets.header(), s.stream.Language)
	same := err == nil && s.out != nil && bytes.Equal(s.out.header.Bytes, header.Bytes)
	if err == nil && !same && !s.mayOpen() {
		return false, nil
	}
	v.headerTried, v.headerGood, v.sets.changed = true, err == nil, false
	if err != nil {
		s.p.log.Warn("video format cannot be carried", "track", s.name, "error", err)
		return false, nil
	}
	if same {
		return true, nil
	}
	if header.Interlaced {
		s.p.log.Warn("interlaced video is passed on as it is; many players do not deinterlace", "track", s.name)
	}
	return true, s.open(header)
}
