package wire

import "github.com/freshet-live/freshet/relay"

// Location is the place of an Object in a Track ("Location Structure").
type Location = relay.Location

// TrackName is a Full Track Name ("Track Naming").
type TrackName struct {
	Namespace []string
	Name      string
}

// Message is a control message: a pointer to one of the structs below.
type Message interface {
	Kind() Kind
}

// Kind tells messages apart, whatever their number in a draft.
type Kind uint8

// The kinds of messages. KindPublishOK is a message of its own up to draft 16.
const (
	KindSetup Kind = iota
	KindServerSetup
	KindGoaway
	KindMaxRequestID
	KindRequestsBlocked
	KindRequestOK
	KindRequestError
	KindSubscribe
	KindSubscribeOK
	KindRequestUpdate
	KindUnsubscribe
	KindPublish
	KindPublishOK
	KindPublishDone
	KindFetch
	KindFetchOK
	KindFetchCancel
	KindTrackStatus
	KindPublishNamespace
	KindPublishNamespaceDone
	KindPublishNamespaceCancel
	KindNamespace
	KindNamespaceDone
	KindSubscribeNamespace
	KindSubscribeTracks
	KindPublishBlocked
)

var kindNames = [...]string{
	"SETUP", "SERVER_SETUP", "GOAWAY", "MAX_REQUEST_ID", "REQUESTS_BLOCKED", "REQUEST_OK",
	"REQUEST_ERROR", "SUBSCRIBE", "SUBSCRIBE_OK", "REQUEST_UPDATE", "UNSUBSCRIBE", "PUBLISH",
	"PUBLISH_OK", "PUBLISH_DONE", "FETCH", "FETCH_OK", "FETCH_CANCEL", "TRACK_STATUS",
	"PUBLISH_NAMESPACE", "PUBLISH_NAMESPACE_DONE", "PUBLISH_NAMESPACE_CANCEL", "NAMESPACE",
	"NAMESPACE_DONE", "SUBSCRIBE_NAMESPACE", "SUBSCRIBE_TRACKS", "PUBLISH_BLOCKED",
}

func (k Kind) String() string { return kindNames[k] }

// IsRequest tells whether the message opens a request and takes a Request ID.
// REQUEST_UPDATE takes one too but opens nothing.
func (k Kind) IsRequest() bool {
	switch k {
	case KindSubscribe, KindPublish, KindFetch, KindTrackStatus, KindPublishNamespace,
		KindSubscribeNamespace, KindSubscribeTracks:
		return true
	default:
		return false
	}
}

// The control messages. A RequestID of a response is on the wire up to draft 16
// only; later the stream tells which request is meant.
type (
	// Setup is SETUP; CLIENT_SETUP up to draft 16.
	Setup struct{ Options KeyValues }
	// ServerSetup is SERVER_SETUP, up to draft 16.
	ServerSetup struct{ Options KeyValues }

	// Goaway asks the peer to leave. Timeout, in milliseconds, and RequestID
	// are of draft 17 and later, RequestID on the control stream only.
	Goaway struct {
		URI          string
		Timeout      uint64
		RequestID    uint64
		HasRequestID bool
	}

	// MaxRequestID raises the limit of Request IDs, up to draft 16.
	MaxRequestID struct{ Max uint64 }
	// RequestsBlocked complains of the limit, up to draft 16.
	RequestsBlocked struct{ Max uint64 }

	// RequestOK answers most requests. Properties are of draft 18.
	RequestOK struct {
		RequestID  uint64
		Params     Params
		Properties KeyValues
	}

	// RequestError refuses any request. RetryAfter is in milliseconds plus one,
	// zero means never. Redirect is of draft 18 and later.
	RequestError struct {
		RequestID  uint64
		Code       RequestCode
		RetryAfter uint64
		Reason     string
		Redirect   *Redirect
	}

	// Redirect says where a refused request may be repeated.
	Redirect struct {
		URI   string
		Track TrackName
	}

	// Subscribe asks for objects as they are published.
	Subscribe struct {
		RequestID uint64
		Track     TrackName
		Params    Params
	}

	// SubscribeOK accepts a Subscribe.
	SubscribeOK struct {
		RequestID  uint64
		TrackAlias uint64
		Params     Params
		Properties KeyValues
	}

	// RequestUpdate changes a request. ExistingID is on the wire up to draft 16.
	RequestUpdate struct {
		RequestID  uint64
		ExistingID uint64
		Params     Params
	}

	// Unsubscribe ends a subscription, up to draft 16.
	Unsubscribe struct{ RequestID uint64 }

	// Publish offers a track.
	Publish struct {
		RequestID  uint64
		Track      TrackName
		TrackAlias uint64
		Params     Params
		Properties KeyValues
	}

	// PublishOK accepts a Publish, up to draft 16; then RequestOK does.
	PublishOK struct {
		RequestID uint64
		Params    Params
	}

	// PublishDone ends a subscription from the publisher's side. Streams counts
	// the data streams that were opened.
	PublishDone struct {
		RequestID uint64
		Code      DoneCode
		Streams   uint64
		Reason    string
	}

	// FetchOK accepts a Fetch. End is exclusive, as in Fetch.
	FetchOK struct {
		RequestID  uint64
		EndOfTrack uint8
		End        Location
		Params     Params
		Properties KeyValues
	}

	// FetchCancel ends a fetch, up to draft 16.
	FetchCancel struct{ RequestID uint64 }

	// TrackStatus asks what Subscribe would answer.
	TrackStatus struct {
		RequestID uint64
		Track     TrackName
		Params    Params
	}

	// PublishNamespace offers the tracks of a namespace.
	PublishNamespace struct {
		RequestID uint64
		Namespace []string
		Params    Params
	}

	// PublishNamespaceDone withdraws the offer, up to draft 16.
	PublishNamespaceDone struct{ RequestID uint64 }

	// PublishNamespaceCancel declines the offer later, up to draft 16.
	PublishNamespaceCancel struct {
		RequestID uint64
		Code      RequestCode
		Reason    string
	}

	// Namespace tells of a namespace under a prefix, NamespaceDone of its end.
	Namespace struct{ Suffix []string }
	// NamespaceDone is the end of what Namespace told of.
	NamespaceDone struct{ Suffix []string }

	// SubscribeNamespace asks for Namespace messages. Options are of draft 16.
	SubscribeNamespace struct {
		RequestID uint64
		Prefix    []string
		Options   SubscribeOptions
		Params    Params
	}

	// SubscribeTracks asks for a Publish for each track, from draft 18 on.
	SubscribeTracks struct {
		RequestID uint64
		Prefix    []string
		Params    Params
	}

	// PublishBlocked names a track that no Publish could be sent for.
	PublishBlocked struct {
		Suffix []string
		Name   string
	}
)

// SubscribeOptions says what a SubscribeNamespace of draft 16 asks for.
type SubscribeOptions uint64

// The options of draft-ietf-moq-transport-16, "SUBSCRIBE_NAMESPACE".
const (
	WantPublish   SubscribeOptions = 0x0
	WantNamespace SubscribeOptions = 0x1
	WantBoth      SubscribeOptions = 0x2
)

// Kind implements Message.
func (*Setup) Kind() Kind                  { return KindSetup }
func (*ServerSetup) Kind() Kind            { return KindServerSetup }
func (*Goaway) Kind() Kind                 { return KindGoaway }
func (*MaxRequestID) Kind() Kind           { return KindMaxRequestID }
func (*RequestsBlocked) Kind() Kind        { return KindRequestsBlocked }
func (*RequestOK) Kind() Kind              { return KindRequestOK }
func (*RequestError) Kind() Kind           { return KindRequestError }
func (*Subscribe) Kind() Kind              { return KindSubscribe }
func (*SubscribeOK) Kind() Kind            { return KindSubscribeOK }
func (*RequestUpdate) Kind() Kind          { return KindRequestUpdate }
func (*Unsubscribe) Kind() Kind            { return KindUnsubscribe }
func (*Publish) Kind() Kind                { return KindPublish }
func (*PublishOK) Kind() Kind              { return KindPublishOK }
func (*PublishDone) Kind() Kind            { return KindPublishDone }
func (*Fetch) Kind() Kind                  { return KindFetch }
func (*FetchOK) Kind() Kind                { return KindFetchOK }
func (*FetchCancel) Kind() Kind            { return KindFetchCancel }
func (*TrackStatus) Kind() Kind            { return KindTrackStatus }
func (*PublishNamespace) Kind() Kind       { return KindPublishNamespace }
func (*PublishNamespaceDone) Kind() Kind   { return KindPublishNamespaceDone }
func (*PublishNamespaceCancel) Kind() Kind { return KindPublishNamespaceCancel }
func (*Namespace) Kind() Kind              { return KindNamespace }
func (*NamespaceDone) Kind() Kind          { return KindNamespaceDone }
func (*SubscribeNamespace) Kind() Kind     { return KindSubscribeNamespace }
func (*SubscribeTracks) Kind() Kind        { return KindSubscribeTracks }
func (*PublishBlocked) Kind() Kind         { return KindPublishBlocked }
