// Package packet is the wire format of SRT (draft-sharabayko-srt, section 3).
// Bytes of the network go in, plain structs come out, and the other way round;
// there is no state, and nothing here keeps a slice or allocates for data,
// acknowledgements and loss reports.
//
//	0               16              31
//	+-+-------------+---------------+      +-+-------------+---------------+
//	|0|       sequence number       |      |1|    type     |    subtype    |
//	+---+-+---+-+-------------------+      +-+-------------+---------------+
//	|pos|o|key|r|  message number   |      |   type-specific information   |
//	+---+-+---+-+-------------------+      +-------------------------------+
//	|       timestamp (us)          |      |       timestamp (us)          |
//	+-------------------------------+      +-------------------------------+
//	|   destination's socket id     |      |   destination's socket id     |
//	+-------------------------------+      +-------------------------------+
//	|  payload, to the end          |      |  control information field    |
//	   data (section 3.1)                     control (section 3.2)
//
// All numbers are big-endian; only the stream id and the names of extensions
// are words of little-endian text.
package packet
