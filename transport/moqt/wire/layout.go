package wire

// A layout walks the fields of one message. Those that end in 16 or 18 are of
// that draft, the others serve both.

func layoutSetup16(c *coder, m *Setup)             { c.countedKeyValues(&m.Options) }
func layoutServerSetup16(c *coder, m *ServerSetup) { c.countedKeyValues(&m.Options) }
func layoutSetup18(c *coder, m *Setup)             { c.keyValues(&m.Options) }

func layoutGoaway16(c *coder, m *Goaway) { c.string(&m.URI, MaxURI) }

func layoutGoaway18(c *coder, m *Goaway) {
	c.string(&m.URI, MaxURI)
	c.varint(&m.Timeout)
	if m.HasRequestID = c.more(m.HasRequestID); m.HasRequestID {
		c.varint(&m.RequestID)
	}
}

func layoutMaxRequestID(c *coder, m *MaxRequestID)       { c.varint(&m.Max) }
func layoutRequestsBlocked(c *coder, m *RequestsBlocked) { c.varint(&m.Max) }

func layoutRequestOK16(c *coder, m *RequestOK) {
	c.varint(&m.RequestID)
	c.params(&m.Params, KindRequestOK)
}

func layoutRequestOK18(c *coder, m *RequestOK) {
	c.params(&m.Params, KindRequestOK)
	c.keyValues(&m.Properties)
}

func layoutRequestError16(c *coder, m *RequestError) {
	c.varint(&m.RequestID)
	layoutError(c, m)
}

func layoutRequestError18(c *coder, m *RequestError) {
	layoutError(c, m)
	if m.Code != RequestRedirect {
		return
	}
	if m.Redirect == nil {
		m.Redirect = new(Redirect)
	}
	c.string(&m.Redirect.URI, MaxURI)
	c.namespace(&m.Redirect.Track.Namespace)
	c.string(&m.Redirect.Track.Name, MaxFullName)
}

func layoutError(c *coder, m *RequestError) {
	coded(c, &m.Code, c.d.requestCodes)
	c.varint(&m.RetryAfter)
	c.reason(&m.Reason)
}

func layoutSubscribe(c *coder, m *Subscribe) {
	c.varint(&m.RequestID)
	c.trackName(&m.Track)
	c.params(&m.Params, KindSubscribe)
}

func layoutTrackStatus(c *coder, m *TrackStatus) {
	c.varint(&m.RequestID)
	c.trackName(&m.Track)
	c.params(&m.Params, KindTrackStatus)
}

func layoutSubscribeOK16(c *coder, m *SubscribeOK) {
	c.varint(&m.RequestID)
	layoutSubscribeOK18(c, m)
}

func layoutSubscribeOK18(c *coder, m *SubscribeOK) {
	c.varint(&m.TrackAlias)
	c.params(&m.Params, KindSubscribeOK)
	c.keyValues(&m.Properties)
}

func layoutRequestUpdate16(c *coder, m *RequestUpdate) {
	c.varint(&m.RequestID)
	c.varint(&m.ExistingID)
	c.params(&m.Params, KindRequestUpdate)
}

func layoutRequestUpdate18(c *coder, m *RequestUpdate) {
	c.varint(&m.RequestID)
	c.params(&m.Params, KindRequestUpdate)
}

func layoutUnsubscribe(c *coder, m *Unsubscribe) { c.varint(&m.RequestID) }
func layoutFetchCancel(c *coder, m *FetchCancel) { c.varint(&m.RequestID) }

func layoutPublish(c *coder, m *Publish) {
	c.varint(&m.RequestID)
	c.trackName(&m.Track)
	c.varint(&m.TrackAlias)
	c.params(&m.Params, KindPublish)
	c.keyValues(&m.Properties)
}

func layoutPublishOK16(c *coder, m *PublishOK) {
	c.varint(&m.RequestID)
	c.params(&m.Params, KindPublishOK)
}

func layoutPublishDone16(c *coder, m *PublishDone) {
	c.varint(&m.RequestID)
	layoutPublishDone18(c, m)
}

func layoutPublishDone18(c *coder, m *PublishDone) {
	coded(c, &m.Code, c.d.doneCodes)
	c.varint(&m.Streams)
	c.reason(&m.Reason)
}

func layoutFetchOK16(c *coder, m *FetchOK) {
	c.varint(&m.RequestID)
	layoutFetchOK18(c, m)
}

func layoutFetchOK18(c *coder, m *FetchOK) {
	c.uint8(&m.EndOfTrack)
	c.location(&m.End)
	c.params(&m.Params, KindFetchOK)
	c.keyValues(&m.Properties)
}

func layoutPublishNamespace(c *coder, m *PublishNamespace) {
	c.varint(&m.RequestID)
	c.namespace(&m.Namespace)
	c.params(&m.Params, KindPublishNamespace)
}

func layoutPublishNamespaceDone(c *coder, m *PublishNamespaceDone) { c.varint(&m.RequestID) }

func layoutPublishNamespaceCancel(c *coder, m *PublishNamespaceCancel) {
	c.varint(&m.RequestID)
	coded(c, &m.Code, c.d.requestCodes)
	c.reason(&m.Reason)
}

func layoutNamespace(c *coder, m *Namespace)         { c.namespace(&m.Suffix) }
func layoutNamespaceDone(c *coder, m *NamespaceDone) { c.namespace(&m.Suffix) }

func layoutSubscribeNamespace16(c *coder, m *SubscribeNamespace) {
	c.varint(&m.RequestID)
	c.namespace(&m.Prefix)
	c.varint((*uint64)(&m.Options))
	if m.Options > WantBoth {
		c.fail(Violation("subscribe options %d", m.Options))
	}
	c.params(&m.Params, KindSubscribeNamespace)
}

func layoutSubscribeNamespace18(c *coder, m *SubscribeNamespace) {
	c.varint(&m.RequestID)
	c.namespace(&m.Prefix)
	c.params(&m.Params, KindSubscribeNamespace)
	m.Options = WantNamespace
}

func layoutSubscribeTracks(c *coder, m *SubscribeTracks) {
	c.varint(&m.RequestID)
	c.namespace(&m.Prefix)
	c.params(&m.Params, KindSubscribeTracks)
}

func layoutPublishBlocked(c *coder, m *PublishBlocked) {
	c.namespace(&m.Suffix)
	c.string(&m.Name, MaxFullName)
}
