package rtc

import (
	"net"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"

	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// Times of a connection.
const (
	// OpenTimeout is given to a connection: pairs that connect at all do so within
	// about 9 round trips.
	OpenTimeout = 3 * time.Second
	// pingEvery measures the round trip, and keeps the association and NATs warm.
	pingEvery = time.Second
	// silence ends a connection: a standby has taken over long before.
	silence = 4 * time.Second
	// stunTimeout bounds the wait for a STUN server: without its answer there may
	// still be host candidates.
	stunTimeout = 2 * time.Second
	// maxRTO: an association that doubles its timer up to the usual minute is of no
	// use to live video when its path is back.
	maxRTO = time.Second
	// dtlsRetry resends a lost handshake message: the second that DTLS has by
	// default is a third of OpenTimeout.
	dtlsRetry = 200 * time.Millisecond
)

// receiveBuffer bounds the bytes that wait in an association for their reader.
const receiveBuffer = 512 << 10

func settingsOf(cfg *Config) (webrtc.SettingEngine, error) {
	var s webrtc.SettingEngine
	s.LoggerFactory = loggers{cfg.Logger}
	s.DetachDataChannels()
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.DisableActiveTCP(true)
	s.SetIncludeLoopbackCandidate(cfg.Loopback)
	s.SetRemoteIPFilter(func(ip net.IP) bool { return cfg.allows(ip) })
	s.SetICETimeouts(silence/2, silence, pingEvery)
	// Candidates of one kind do not wait for better ones: time is worth more.
	s.SetSrflxAcceptanceMinWait(0)
	s.SetPrflxAcceptanceMinWait(0)
	s.SetSTUNGatherTimeout(stunTimeout)
	s.SetDTLSRetransmissionInterval(dtlsRetry)
	s.SetSCTPRTOMax(maxRTO)
	s.SetSCTPMinCwnd(uint32(cfg.Window))
	s.SetSCTPFastRtxWnd(uint32(cfg.Window))
	s.SetSCTPMaxReceiveBufferSize(receiveBuffer)
	s.SetSCTPMaxMessageSize(wire.MaxPeerMessage)
	if cfg.Net != nil {
		s.SetNet(cfg.Net)
	}
	return s, s.SetAnsweringDTLSRole(webrtc.DTLSRoleClient)
}

// allows tells whether an address may be named to peers, or taken from them.
func (c *Config) allows(ip net.IP) bool {
	switch {
	case ip.IsUnspecified() || ip.IsMulticast():
		return false
	case ip.IsLoopback():
		return c.Loopback
	case ip.IsPrivate() || ip.IsLinkLocalUnicast():
		return c.LAN
	}
	return true
}
