package wire

// The messages in which parameters of draft 18 may appear. REQUEST_OK stands
// for all the answers it is used as; TRACK_STATUS has the format of SUBSCRIBE, so
// its parameters are let through there.
var (
	subscriptionKinds = in(KindSubscribe, KindTrackStatus, KindRequestUpdate, KindRequestOK)
	orderKinds        = in(KindSubscribe, KindTrackStatus, KindRequestOK, KindFetch)
	requestKinds      = in(KindPublish, KindSubscribe, KindRequestUpdate, KindSubscribeNamespace,
		KindSubscribeTracks, KindPublishNamespace, KindTrackStatus, KindFetch)
	stateKinds   = in(KindSubscribeOK, KindPublish, KindRequestOK)
	forwardKinds = in(KindSubscribe, KindTrackStatus, KindRequestUpdate, KindPublish, KindRequestOK, KindSubscribeTracks)
)

// Draft18 is draft-ietf-moq-transport-18.
var Draft18 = (&Dialect{
	Draft:       18,
	Protocol:    "moqt-18",
	Control:     TwoUni,
	SetupStream: 0x2F00,

	varint:       leadingOnes,
	strictParams: true,
	fetchIDs:     deltaIDs,
	firstObject:  subgroupFirstObject,
	params: []paramSpec{
		scalar(0x02, subscriptionKinds, deliveryTimeout, walkVarint),
		authTokens(requestKinds),
		scalar(0x04, in(KindSubscribe, KindTrackStatus), rendezvousTimeout, walkVarint),
		scalar(0x06, subscriptionKinds, subgroupDeliveryTimeout, walkVarint),
		scalar(0x08, stateKinds, expires, walkVarint),
		scalar(0x09, stateKinds, largest, walkLocation),
		scalar(0x0A, in(KindFetch), fillTimeout, walkVarint),
		scalar(0x10, forwardKinds, forward, bounded(walkUint8, 0, 1)),
		scalar(0x20, subscriptionKinds|in(KindFetch), subscriberPriority, walkUint8),
		scalar(0x21, subscriptionKinds, filter, walkFilter18),
		scalar(0x22, orderKinds, groupOrder, bounded(walkUint8, Ascending, Descending)),
		scalar(0x32, subscriptionKinds, newGroupRequest, walkVarint),
		namespacePrefix(in(KindRequestUpdate)),
	},
}).with(
	row(0x2F00, layoutSetup18),
	row(0x10, layoutGoaway18),
	row(0x7, layoutRequestOK18),
	row(0x5, layoutRequestError18),
	row(0x3, layoutSubscribe),
	row(0x4, layoutSubscribeOK18),
	row(0x2, layoutRequestUpdate18),
	row(0x1D, layoutPublish),
	row(0xB, layoutPublishDone18),
	row(0x16, layoutFetch),
	row(0x18, layoutFetchOK18),
	row(0xD, layoutTrackStatus),
	row(0x6, layoutPublishNamespace),
	row(0x50, layoutSubscribeNamespace18),
	row(0x51, layoutSubscribeTracks),
	row(0x8, layoutNamespace),
	row(0xE, layoutNamespaceDone),
	row(0xF, layoutPublishBlocked),
)
