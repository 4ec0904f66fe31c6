// Package packager turns the access units of a contribution into CMAF chunks
// and appends each as one Object to the relay: AccessUnit -> Chunk ->
// relay.Track. It publishes the broadcast, its media tracks and its catalog.
//
//	Push ─ timeline ─┬─ video: one picture, one chunk; a group from each random access point
//	                 └─ audio: chunks of up to 70 ms; groups follow those of video
//
// A Packager is a synchronous state machine without goroutine: what it was
// pushed is published when Push returns, and nothing is held back for the next
// frame but audio that fills a chunk. It lives as long as the broadcast, through
// any number of publishers: one media timeline on the Unix epoch goes on, and
// viewers keep their subscriptions.
//
// When the header of a stream changes, its track ends and another continues:
// "video" is followed by "video.2", and the catalog names the new one first.
package packager
