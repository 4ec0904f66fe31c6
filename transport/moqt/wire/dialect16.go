package wire

// Draft16 is draft-ietf-moq-transport-16.
//
// Parameters in messages where the draft does not list them are let through:
// unlike draft 18 it does not say what to do, and peers in the field send them.
var Draft16 = (&Dialect{
	Draft:            16,
	Protocol:         "moqt-16",
	Control:          OneBidi,
	JoinsLargestOnly: true,

	varint:    rfc9000,
	minFields: 1,
	fetchIDs:  absoluteIDs,
	params: []paramSpec{
		scalar(0x02, 0, deliveryTimeout, walkNonZero),
		authTokens(0),
		scalar(0x08, 0, expires, walkVarint),
		scalar(0x09, 0, largest, walkPrefixedLocation),
		scalar(0x10, 0, forward, bounded(walkVarint8, 0, 1)),
		scalar(0x20, 0, subscriberPriority, walkVarint8),
		scalar(0x21, 0, filter, walkFilter16),
		// The draft allows 1 and 2. Shaka Player 5.2.12 sends draft 14's 0, the
		// publisher's order, which is what leaving the parameter out means.
		scalar(0x22, 0, groupOrder, bounded(walkVarint8, 0, Descending)),
		scalar(0x32, 0, newGroupRequest, walkVarint),
	},
	requestCodes: codeTable[RequestCode]{
		out: map[RequestCode]uint64{
			RequestGoingAway:         uint64(RequestInternal),
			RequestExcessiveLoad:     uint64(RequestInternal),
			RequestUnsupportedExtens: uint64(RequestNotSupported),
			RequestRedirect:          uint64(RequestDoesNotExist),
		},
	},
	doneCodes: codeTable[DoneCode]{
		out: map[DoneCode]uint64{DoneExpired: 0x5, DoneTooFarBehind: 0x6, DoneExcessiveLoad: uint64(DoneInternal)},
		in:  map[uint64]DoneCode{0x5: DoneExpired, 0x6: DoneTooFarBehind},
	},
	resetCodes: codeTable[ResetCode]{
		out: map[ResetCode]uint64{
			ResetUnknownStatus: 0x4,
			ResetGoingAway:     uint64(ResetCancelled),
			ResetTooFarBehind:  uint64(ResetDeliveryTimeout),
			ResetExcessiveLoad: uint64(ResetInternal),
		},
		in: map[uint64]ResetCode{0x4: ResetUnknownStatus},
	},
}).with(
	row(0x20, layoutSetup16),
	row(0x21, layoutServerSetup16),
	row(0x10, layoutGoaway16),
	row(0x15, layoutMaxRequestID),
	row(0x1A, layoutRequestsBlocked),
	row(0x7, layoutRequestOK16),
	row(0x5, layoutRequestError16),
	row(0x3, layoutSubscribe),
	row(0x4, layoutSubscribeOK16),
	row(0x2, layoutRequestUpdate16),
	row(0xA, layoutUnsubscribe),
	row(0x1D, layoutPublish),
	row(0x1E, layoutPublishOK16),
	row(0xB, layoutPublishDone16),
	row(0x16, layoutFetch16),
	row(0x18, layoutFetchOK16),
	row(0x17, layoutFetchCancel),
	row(0xD, layoutTrackStatus),
	row(0x6, layoutPublishNamespace),
	row(0x8, layoutNamespace),
	row(0x9, layoutPublishNamespaceDone),
	row(0xE, layoutNamespaceDone),
	row(0xC, layoutPublishNamespaceCancel),
	row(0x11, layoutSubscribeNamespace16),
)
