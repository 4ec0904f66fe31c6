// Package msf holds the catalog of a broadcast in the form of MSF and CMSF
// (draft-ietf-moq-msf-01, draft-ietf-moq-cmsf-01): a JSON document on the track
// named TrackName that lists the media tracks, with the CMAF headers that start
// them. Players and the LL-HLS view read the same catalog.
package msf
