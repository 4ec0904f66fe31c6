package hls

import (
	"bytes"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/hevc"
	"github.com/Eyevinn/mp4ff/mp4"
)

// videoRange is VIDEO-RANGE by the transfer characteristics (ITU-T H.273) in
// the header's colr box or SPS; empty when neither says.
func videoRange(header []byte) string {
	f, err := mp4.DecodeFile(bytes.NewReader(header))
	if err != nil || f.Init == nil || f.Init.Moov == nil || len(f.Init.Moov.Traks) == 0 {
		return ""
	}
	stsd := f.Init.Moov.Trak.Mdia.Minf.Stbl.Stsd
	if stsd == nil {
		return ""
	}
	switch transfer(stsd) {
	case 1, 6, 13, 14, 15:
		return "SDR"
	case 16:
		return "PQ"
	case 18:
		return "HLG"
	}
	return ""
}

func transfer(stsd *mp4.StsdBox) int {
	for _, child := range stsd.Children {
		entry, ok := child.(*mp4.VisualSampleEntryBox)
		if !ok {
			continue
		}
		for _, c := range entry.Children {
			if colr, ok := c.(*mp4.ColrBox); ok && colr.ColorType == "nclx" {
				return int(colr.TransferCharacteristics)
			}
		}
		return spsTransfer(entry)
	}
	return 0
}

func spsTransfer(entry *mp4.VisualSampleEntryBox) int {
	switch {
	case entry.AvcC != nil && len(entry.AvcC.SPSnalus) > 0:
		sps, err := avc.ParseSPSNALUnit(entry.AvcC.SPSnalus[0], true)
		if err == nil && sps.VUI != nil && sps.VUI.ColourDescriptionFlag {
			return int(sps.VUI.TransferCharacteristics)
		}
	case entry.HvcC != nil:
		nalus := entry.HvcC.GetNalusForType(hevc.NALU_SPS)
		if len(nalus) == 0 {
			return 0
		}
		sps, err := hevc.ParseSPSNALUnit(nalus[0])
		if err == nil && sps.VUI != nil && sps.VUI.ColourDescriptionFlag {
			return int(sps.VUI.TransferCharacteristics)
		}
	}
	return 0
}
