// Package wire is the wire format of MoQT: messages, stream headers and the
// integers in them. It holds no state of a session.
//
//	control message   Type (varint) | Length (16 bit) | Payload
//	subgroup stream   Header | { Object ID Delta, Payload Length, Payload } ...
//	fetch stream      Header | { Flags, Group, Object, Priority, Payload } ...
//
// Everything in which two drafts differ is in one value, the Dialect: the
// varint codec, the shape of the control stream, and tables of messages,
// parameters and error codes. A message is described once, by a layout that
// serves both directions, so reader and writer cannot drift apart; vectors
// from the drafts and from others hold the layouts to the truth.
//
// Section titles in comments are those of draft-ietf-moq-transport-18 unless a
// draft is named.
//
// A message that cannot be read ends the session, also where its length and
// Request ID are known and it could be refused alone: both drafts demand it of
// lengths that do not match, unknown parameters and values out of range ("Control
// Messages", "Message Parameters"), and a peer that is wrong about a layout is
// wrong about the next message, too. Where players in the field are known to send
// another layout, the dialect reads that one (layoutFetch16). What can be read and
// is not supported is refused by package moqt.
package wire
