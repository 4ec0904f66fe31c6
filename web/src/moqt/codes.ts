// Numbers of draft-ietf-moq-transport-18 that a subscriber needs.

/** Section 10, "Control Messages". */
export const MessageType = {
  SubscribeOk: 0x4,
  RequestError: 0x5,
  RequestOk: 0x7,
  PublishDone: 0xb,
  Goaway: 0x10,
  Subscribe: 0x3,
  Fetch: 0x16,
  FetchOk: 0x18,
  Setup: 0x2f00,
} as const;

/** "Unidirectional Stream Types"; a subgroup's type is 0b0XX1XXXX. */
export const StreamType = {
  Fetch: 0x05,
  Setup: 0x2f00,
  Padding: 0x132b3e28,
} as const;

/** "Message Parameters". */
export const Parameter = {
  ObjectDeliveryTimeout: 0x02,
  AuthorizationToken: 0x03,
  RendezvousTimeout: 0x04,
  SubgroupDeliveryTimeout: 0x06,
  Expires: 0x08,
  LargestObject: 0x09,
  FillTimeout: 0x0a,
  Forward: 0x10,
  SubscriberPriority: 0x20,
  SubscriptionFilter: 0x21,
  GroupOrder: 0x22,
  NewGroupRequest: 0x32,
  TrackNamespacePrefix: 0x34,
} as const;

/** "Session Termination Error Codes". */
export const SessionCode = {
  NoError: 0x0,
  InternalError: 0x1,
  ProtocolViolation: 0x3,
} as const;

/** "Stream Reset Error Codes". */
export const ResetCode = {
  Cancelled: 0x1,
  TooFarBehind: 0x5,
  ExcessiveLoad: 0x9,
} as const;

/** "REQUEST_ERROR Codes". */
export const RequestCode = {
  Unauthorized: 0x1,
  ExpiredAuthToken: 0x5,
  GoingAway: 0x6,
  ExcessiveLoad: 0x9,
  DoesNotExist: 0x10,
  InvalidRange: 0x11,
  InvalidJoiningRequestId: 0x32,
} as const;

/** "Object Status". */
export const ObjectStatus = {
  Normal: 0x0,
  EndOfGroup: 0x3,
  EndOfTrack: 0x4,
} as const;

/** UNAUTHORIZED of the "PUBLISH_DONE Codes". */
export const unauthorizedDone = 0x1;
export const setupImplementation = 0x07;
export const largestObjectFilter = 0x2;
export const absoluteStartFilter = 0x3;
export const relativeJoiningFetch = 0x2;
