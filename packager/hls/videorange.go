package hls

import (
	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/hevc"

	"github.com/freshet-live/freshet/packager/cmaf"
)

// videoRange is VIDEO-RANGE by the transfer characteristics (ITU-T H.273) in
// the header's colr box or SPS; empty when neither says.
func videoRange(header []byte) string {
	entry, err := cmaf.ReadVideoEntry(header)
	if err != nil {
		return ""
	}
	return rangeOf(transfer(entry))
}

func rangeOf(transfer int) string {
	switch transfer {
	case 1, 6, 13, 14, 15:
		return "SDR"
	case 16:
		return "PQ"
	case 18:
		return "HLG"
	}
	return ""
}

func transfer(entry cmaf.VideoEntry) int {
	switch {
	case entry.Transfer != 0:
		return entry.Transfer
	case entry.AVCC != nil:
		return avcTransfer(entry.AVCC)
	case entry.HVCC != nil:
		return hevcTransfer(entry.HVCC)
	}
	return 0
}

func avcTransfer(config []byte) int {
	c, err := avc.DecodeAVCDecConfRec(config)
	if err != nil || len(c.SPSnalus) == 0 {
		return 0
	}
	sps, err := avc.ParseSPSNALUnit(c.SPSnalus[0], true)
	if err != nil || sps.VUI == nil || !sps.VUI.ColourDescriptionFlag {
		return 0
	}
	return int(sps.VUI.TransferCharacteristics)
}

func hevcTransfer(config []byte) int {
	c, err := hevc.DecodeHEVCDecConfRec(config)
	if err != nil {
		return 0
	}
	nalus := c.GetNalusForType(hevc.NALU_SPS)
	if len(nalus) == 0 {
		return 0
	}
	sps, err := hevc.ParseSPSNALUnit(nalus[0])
	if err != nil || sps.VUI == nil || !sps.VUI.ColourDescriptionFlag {
		return 0
	}
	return int(sps.VUI.TransferCharacteristics)
}
