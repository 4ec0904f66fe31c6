// What peers say to each other (docs/swarm-protocol.md, "Between peers"; in Go
// relay/swarm/wire/peer.go): one message of a data channel as bytes.
import { QuicReader, encodeQuicVarint } from "../wire/quicvarint.ts";
import { WireError } from "../wire/varint.ts";
import { concat } from "../wire/writer.ts";
import { PeerType, maxBits, maxHaves, maxPeerMessage, maxPiece, maxPulls, maxToken } from "./codes.ts";
import type { PieceID } from "./piece.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Which pieces of a group somebody has: bit i of byte j, lowest first, is piece n+8j+i. */
export interface HaveMap {
  readonly g: number;
  readonly n: number;
  readonly bits: Bytes;
}

export type PeerMessage =
  | { readonly type: typeof PeerType.Hello; readonly version: number; readonly peer: number; readonly token: Bytes }
  | { readonly type: typeof PeerType.Sub; readonly sub: number; readonly id: PieceID }
  | { readonly type: typeof PeerType.Unsub; readonly sub: number }
  | { readonly type: typeof PeerType.Have; readonly have: readonly HaveMap[] }
  | { readonly type: typeof PeerType.Pull | typeof PeerType.Cancel; readonly ids: readonly PieceID[] }
  | RefusedSub
  | RefusedPull
  | { readonly type: typeof PeerType.Leave; readonly leaving: number }
  | { readonly type: typeof PeerType.Ping | typeof PeerType.Pong; readonly time: bigint }
  | PiecePart
  | { readonly type: typeof PeerType.Beacon; readonly bytes: Bytes };

export interface RefusedSub {
  readonly type: typeof PeerType.Refuse;
  readonly kind: typeof PeerType.Sub;
  readonly refusal: number;
  readonly sub: number;
  readonly id: PieceID;
}

export interface RefusedPull {
  readonly type: typeof PeerType.Refuse;
  readonly kind: typeof PeerType.Pull;
  readonly refusal: number;
  readonly ids: readonly PieceID[];
}

/** Bytes of a piece of `size` from `offset` on. */
export interface PiecePart {
  readonly type: typeof PeerType.Piece;
  readonly id: PieceID;
  readonly offset: number;
  readonly size: number;
  readonly bytes: Bytes;
}

const maxNumber = 2 ** 32 - 1;
const maxSub = 31;
/** Bytes of a piece in one message: what is left beside the largest head. */
export const maxPart = maxPeerMessage - 25;

/** Bytes of the message's own are views into data. Every rule that is broken is a WireError. */
export function parsePeerMessage(data: Bytes): PeerMessage {
  if (data.length > maxPeerMessage) {
    throw new WireError(`message of ${data.length} bytes`);
  }
  const reader = new QuicReader(data);
  const message = parseBody(reader.u8(), reader);
  reader.end();
  return message;
}

function parseBody(type: number, reader: QuicReader): PeerMessage {
  switch (type) {
    case PeerType.Hello:
      return { type, version: reader.uint(), peer: reader.uint(maxNumber), token: reader.lengthPrefixed(maxToken) };
    case PeerType.Sub:
      return { type, sub: reader.uint(maxSub), id: readId(reader) };
    case PeerType.Unsub:
      return { type, sub: reader.uint(maxSub) };
    case PeerType.Have:
      return { type, have: Array.from({ length: reader.uint(maxHaves) }, () => readHave(reader)) };
    case PeerType.Pull:
    case PeerType.Cancel:
      return { type, ids: readIds(reader) };
    case PeerType.Refuse:
      return readRefusal(reader);
    case PeerType.Leave:
      return { type, leaving: reader.u8() };
    case PeerType.Ping:
    case PeerType.Pong:
      return { type, time: readTime(reader) };
    case PeerType.Piece:
      return readPart(reader);
    case PeerType.Beacon:
      return { type, bytes: readRest(reader) };
    default:
      throw new WireError(`type ${type} is not known`);
  }
}

function readId(reader: QuicReader): PieceID {
  return { g: reader.uint(), n: reader.uint(maxNumber) };
}

function readIds(reader: QuicReader): PieceID[] {
  const count = reader.uint(maxPulls);
  if (count === 0) {
    throw new WireError("no pieces");
  }
  return Array.from({ length: count }, () => readId(reader));
}

function readHave(reader: QuicReader): HaveMap {
  return { ...readId(reader), bits: reader.lengthPrefixed(maxBits) };
}

function readRefusal(reader: QuicReader): RefusedSub | RefusedPull {
  const type = PeerType.Refuse;
  const kind = reader.u8();
  const refusal = reader.u8();
  switch (kind) {
    case PeerType.Sub:
      return { type, kind, refusal, sub: reader.uint(maxSub), id: readId(reader) };
    case PeerType.Pull:
      return { type, kind, refusal, ids: readIds(reader) };
    default:
      throw new WireError(`type ${kind} is refused`);
  }
}

function readTime(reader: QuicReader): bigint {
  const bytes = reader.bytes(8);
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
}

function readPart(reader: QuicReader): PiecePart {
  const id = readId(reader);
  const offset = reader.uint(maxPiece - 1);
  const size = reader.uint(maxPiece);
  const bytes = readRest(reader);
  if (offset + bytes.length > size) {
    throw new WireError(`part of ${bytes.length} bytes at ${offset} in a piece of ${size}`);
  }
  return { type: PeerType.Piece, id, offset, size, bytes };
}

function readRest(reader: QuicReader): Bytes {
  if (reader.remaining === 0) {
    throw new WireError("no bytes");
  }
  return reader.rest();
}

/** The message must keep the bounds that the other side holds it to: those are the caller's. */
export function encodePeerMessage(message: PeerMessage): Bytes {
  return concat([Uint8Array.of(message.type), ...encodeBody(message)]);
}

function encodeBody(message: PeerMessage): Uint8Array[] {
  switch (message.type) {
    case PeerType.Hello:
      return [...ints(message.version, message.peer, message.token.length), message.token];
    case PeerType.Sub:
      return ints(message.sub, message.id.g, message.id.n);
    case PeerType.Unsub:
      return ints(message.sub);
    case PeerType.Have:
      return [...ints(message.have.length), ...message.have.flatMap(({ g, n, bits }) => [...ints(g, n, bits.length), bits])];
    case PeerType.Pull:
    case PeerType.Cancel:
      return encodeIds(message.ids);
    case PeerType.Refuse: {
      const head = Uint8Array.of(message.kind, message.refusal);
      return [head, ...(message.kind === PeerType.Sub ? ints(message.sub, message.id.g, message.id.n) : encodeIds(message.ids))];
    }
    case PeerType.Leave:
      return [Uint8Array.of(message.leaving)];
    case PeerType.Ping:
    case PeerType.Pong:
      return [encodeTime(message.time)];
    case PeerType.Piece:
      return [...ints(message.id.g, message.id.n, message.offset, message.size), message.bytes];
    case PeerType.Beacon:
      return [message.bytes];
  }
}

function ints(...values: number[]): Uint8Array[] {
  return values.map(encodeQuicVarint);
}

function encodeIds(ids: readonly PieceID[]): Uint8Array[] {
  return [...ints(ids.length), ...ids.flatMap(({ g, n }) => ints(g, n))];
}

function encodeTime(time: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, time);
  return bytes;
}
