package mpegts

import (
	"context"
	"log/slog"
	"slices"

	"github.com/freshet-live/freshet/ingest"
)

// patPatience is how many PATs to wait for the PMT of an earlier program before a
// later one is taken.
const patPatience = 3

// psi is what the tables say.
type psi struct {
	version  uint8
	parts    [][]patEntry // The PAT's sections of this version, nil while missing.
	programs []*program   // In PAT order.
	current  *program     // Its streams are read.

	announced bool // The sink knows the current program.
	last      ingest.Program
}

type program struct {
	patEntry
	pats    int // PATs seen since it was listed.
	known   bool
	crc     [4]byte // The last section's, to skip repetitions.
	streams []pmtEntry
}

func (p *program) carried() bool {
	return slices.ContainsFunc(p.streams, func(e pmtEntry) bool { return e.kind.name == "" })
}

func (d *Demuxer) patSection(b []byte) {
	s, class, ok := longSection(b, tablePAT)
	if !ok {
		d.tally.error(class)
		return
	}
	if !s.current || s.number > s.last {
		return
	}
	t := &d.psi
	if len(t.parts) != int(s.last)+1 || t.version != s.version {
		t.version, t.parts = s.version, make([][]patEntry, int(s.last)+1)
	}
	if t.parts[s.number] = parsePAT(s.body); t.parts[s.number] == nil {
		t.parts[s.number] = []patEntry{}
	}
	if slices.ContainsFunc(t.parts, func(l []patEntry) bool { return l == nil }) {
		return
	}
	d.setPrograms(slices.Concat(t.parts...))
}

// setPrograms listens to the PMTs of a complete PAT.
func (d *Demuxer) setPrograms(list []patEntry) {
	old := d.psi.programs
	d.psi.programs = nil
	for _, e := range list[:min(len(list), maxPrograms)] {
		i := slices.IndexFunc(old, func(p *program) bool { return p.patEntry == e })
		if i >= 0 {
			d.psi.programs = append(d.psi.programs, old[i])
			old[i].pats++
			continue
		}
		d.psi.programs = append(d.psi.programs, &program{patEntry: e})
	}
	for _, p := range old {
		if !slices.Contains(d.psi.programs, p) && d.sectionsOn(p.pid) {
			d.ignore(p.pid)
		}
	}
	for _, p := range d.psi.programs {
		if d.index[p.pid] == 0 {
			d.listen(&pid{num: p.pid, sections: &sections{}, section: d.pmtSection})
		}
	}
	d.choose(false)
}

func (d *Demuxer) sectionsOn(num uint16) bool {
	i := d.index[num]
	return i != 0 && d.pids[i].sections != nil
}

func (d *Demuxer) pmtSection(b []byte) {
	if b[0] != tablePMT {
		return // Other tables may share the PID.
	}
	s, class, ok := longSection(b, tablePMT)
	if !ok {
		d.tally.error(class)
		return
	}
	i := slices.IndexFunc(d.psi.programs, func(p *program) bool { return p.number == s.id })
	if i < 0 || !s.current {
		return
	}
	p, crc := d.psi.programs[i], [4]byte(b[len(b)-4:])
	if p.known && p.crc == crc {
		return
	}
	streams, ok := parsePMT(s.body)
	if !ok {
		d.tally.error(ErrorSection)
		return
	}
	p.known, p.crc, p.streams = true, crc, streams
	if p == d.psi.current {
		d.open(p)
		return
	}
	d.choose(false)
}

// choose takes the first program with streams that are carried, in the order of
// the PAT. It waits a little for PMTs, unless this is the end (final). A program
// once chosen stays while the PAT lists it.
func (d *Demuxer) choose(final bool) {
	t := &d.psi
	if slices.Contains(t.programs, t.current) && t.current.carried() {
		return
	}
	var best *program
	for _, p := range t.programs {
		if !p.known {
			if p.pats < patPatience && !final {
				return
			}
			continue
		}
		if p.carried() {
			best = p
			break
		}
		if best == nil {
			best = p
		}
	}
	if best != nil && best != t.current {
		d.open(best)
	}
}

// open reads the streams of p from now on. Streams that p has in common with
// those being read go on without a seam.
func (d *Demuxer) open(p *program) {
	for _, old := range slices.Clone(d.pids[1:]) {
		if s := old.stream; s != nil && !slices.ContainsFunc(p.streams, s.same) {
			s.flush()
			d.ignore(old.num)
		}
	}
	d.psi.current = p
	for _, e := range p.streams {
		if e.kind.name == "" && d.index[e.pid] == 0 && e.pid != pidNull {
			d.listen(&pid{num: e.pid, stream: newStream(d, e)})
		}
	}
	d.psi.announced = false
	if !d.probing() {
		d.announce()
	}
}

// probing tells whether there are streams of which only the frames say what they
// are. The announcement then waits for them, but not longer than for the first
// access unit of another stream.
func (d *Demuxer) probing() bool {
	return slices.ContainsFunc(d.pids[1:], func(p *pid) bool { return p.stream != nil && p.stream.codec == ingest.CodecUnknown })
}

// resolved is called when a stream's frames have told what it is.
func (d *Demuxer) resolved() {
	if d.psi.announced || !d.probing() {
		d.announce()
	}
}

// announce gives the sink the current program when it is news.
func (d *Demuxer) announce() {
	d.psi.announced = true
	var prog ingest.Program
	for _, e := range d.psi.current.streams {
		codec, name := e.kind.codec, e.kind.name
		if i := d.index[e.pid]; name == "" && i != 0 && d.pids[i].stream != nil {
			codec, name = d.pids[i].stream.codec, d.pids[i].stream.unsupported
		}
		switch {
		case name != "":
			prog.Unsupported = append(prog.Unsupported, ingest.Unsupported{ID: int(e.pid), Name: name})
		case codec != ingest.CodecUnknown:
			prog.Streams = append(prog.Streams, ingest.Stream{ID: int(e.pid), Codec: codec, Language: e.language})
		}
	}
	if slices.Equal(prog.Streams, d.psi.last.Streams) && slices.Equal(prog.Unsupported, d.psi.last.Unsupported) {
		return
	}
	d.psi.last = prog
	d.log.LogAttrs(context.Background(), slog.LevelInfo, "program",
		slog.Int("number", int(d.psi.current.number)), slog.Any("streams", prog.Streams),
		slog.Any("unsupported", prog.Unsupported))
	if err := d.sink.SetProgram(prog); err != nil && d.err == nil {
		d.err = err
	}
}
