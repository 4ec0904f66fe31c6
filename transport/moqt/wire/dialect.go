package wire

// ControlShape says on which streams control messages travel.
type ControlShape uint8

const (
	// OneBidi is draft 16's: one bidirectional control stream carries the
	// requests, SUBSCRIBE_NAMESPACE alone has a stream of its own.
	OneBidi ControlShape = iota
	// TwoUni is draft 18's: a unidirectional control stream each way, and a
	// bidirectional stream for each request.
	TwoUni
)

// StreamPadding is the type of padding streams ("Padding Streams").
const StreamPadding = 0x132B3E28

// Dialect is one draft of MoQT on the wire. It is read-only; there is one value
// for each draft.
type Dialect struct {
	// Draft is the draft's number, Protocol the ALPN and WebTransport
	// subprotocol.
	Draft    int
	Protocol string
	// Control is the shape of the control plane.
	Control ControlShape
	// SetupStream is the type of the unidirectional control stream of TwoUni.
	SetupStream uint64
	// JoinsLargestOnly: a joining fetch may refer to subscriptions with the
	// filter Largest Object alone, and anything else ends the session.
	JoinsLargestOnly bool

	varint       varint
	minFields    int // The least number of fields of a track's namespace.
	strictParams bool
	params       []paramSpec
	fetchIDs     fetchIDs
	firstObject  uint64 // The bit of a subgroup stream's type; zero for none.
	requestCodes codeTable[RequestCode]
	doneCodes    codeTable[DoneCode]
	resetCodes   codeTable[ResetCode]

	byCode map[uint64]*messageSpec
	byKind map[Kind]*messageSpec
}

// Dialects are the drafts that are spoken, the preferred one first.
var Dialects = []*Dialect{Draft18, Draft16}

// ByProtocol finds the dialect of a negotiated ALPN or subprotocol.
func ByProtocol(protocol string) (*Dialect, bool) {
	for _, d := range Dialects {
		if d.Protocol == protocol {
			return d, true
		}
	}
	return nil, false
}

// Protocols are the names to offer, the preferred one first.
func Protocols() []string {
	names := make([]string, len(Dialects))
	for i, d := range Dialects {
		names[i] = d.Protocol
	}
	return names
}

// Reset gives the draft's number for a stream reset code.
func (d *Dialect) Reset(c ResetCode) uint64 { return d.resetCodes.encode(c) }

// ResetCode reads the draft's number of a stream reset.
func (d *Dialect) ResetCode(v uint64) ResetCode { return d.resetCodes.decode(v) }

// messageSpec is a row of the message table.
type messageSpec struct {
	code   uint64
	new    func() Message
	layout func(*coder, Message)
}

// row makes a row of the message table from a message's number and layout.
func row[T any, M interface {
	*T
	Message
}](code uint64, layout func(*coder, M),
) *messageSpec {
	return &messageSpec{
		code: code,
		new:  func() Message { return M(new(T)) },
		layout: func(c *coder, m Message) {
			layout(c, m.(M)) //nolint:forcetypeassert,errcheck // The table maps M's kind to this row.
		},
	}
}

// with files the rows of the message table.
func (d *Dialect) with(rows ...*messageSpec) *Dialect {
	d.byCode = make(map[uint64]*messageSpec, len(rows))
	d.byKind = make(map[Kind]*messageSpec, len(rows))
	for _, r := range rows {
		d.byCode[r.code] = r
		d.byKind[r.new().Kind()] = r
	}
	return d
}
