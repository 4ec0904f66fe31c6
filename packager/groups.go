package packager

import "slices"

// groups hands out group IDs and tells the tracks where to cut, so that groups
// of one ID begin at the same media time in all tracks. Video leads; audio alone
// leads itself.
type groups struct {
	next uint64 // The ID of the next group.
	// The starts that a follower may still have to come by, oldest first.
	starts []groupStart

	videoSeen bool
	videoDTS  int64 // Of the newest video unit.
	audioDTS  int64
	videoOpen bool // Video has a group.
}

type groupStart struct {
	id  uint64
	pts int64
}

// maxStarts bounds the memory when audio stays behind for ever.
const maxStarts = 64

func (g *groups) seen(video bool, at placed) {
	if video {
		g.videoSeen, g.videoDTS = true, at.dts
		return
	}
	g.audioDTS = max(g.audioDTS, at.dts)
}

// lead starts a group at pts and gives its ID.
func (g *groups) lead(pts int64, video bool) uint64 {
	id := g.next
	g.next++
	g.videoOpen = g.videoOpen || video
	if len(g.starts) == maxStarts {
		copy(g.starts, g.starts[1:])
		g.starts = g.starts[:maxStarts-1]
	}
	g.starts = append(g.starts, groupStart{id: id, pts: pts})
	return id
}

// videoLeads tells whether audio has to follow the groups of video.
func (g *groups) videoLeads() bool {
	return g.videoOpen && g.audioDTS-g.videoDTS < videoSilence
}

// newest gives the newest group that a unit at pts has come by, if it has a
// higher ID than after.
func (g *groups) newest(pts int64, after uint64) (groupStart, bool) {
	for _, s := range slices.Backward(g.starts) {
		if s.id > after && s.pts <= pts {
			return s, true
		}
	}
	return groupStart{}, false
}
