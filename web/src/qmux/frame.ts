// Frames of QMux (draft-ietf-quic-qmux-02), which are those of QUIC (RFC 9000, section
// 19) without packets around them. A record is one or more of them.
import { QuicReader, encodeQuicVarint, quicVarintLength } from "../wire/quicvarint.ts";
import { WireError } from "../wire/varint.ts";
import { concat } from "../wire/writer.ts";

export const FrameType = {
  Padding: 0x00,
  ResetStream: 0x04,
  StopSending: 0x05,
  /** To 0x0f on the wire, by its flags. */
  Stream: 0x08,
  MaxData: 0x10,
  MaxStreamData: 0x11,
  MaxStreamsBidi: 0x12,
  MaxStreamsUni: 0x13,
  DataBlocked: 0x14,
  StreamDataBlocked: 0x15,
  StreamsBlockedBidi: 0x16,
  StreamsBlockedUni: 0x17,
  ConnectionClose: 0x1c,
  ApplicationClose: 0x1d,
  // These take eight bytes on the wire, more than a number holds: longTypes.
  TransportParameters: -1,
  Ping: -2,
  Pong: -3,
} as const;

const longTypes = new Map([
  ["ff5153300d0a0d0a", FrameType.TransportParameters],
  ["f48c67529ef8c7bd", FrameType.Ping],
  ["f48c67529ef8c7be", FrameType.Pong],
]);

const streamFin = 0x01;
const streamLength = 0x02;
const streamOffset = 0x04;

/** Which fields count depends on the type. */
export interface Frame {
  readonly type: number;
  readonly stream: number;
  /** An error code, a limit or a sequence number. */
  readonly value: number;
  /** Where a STREAM frame's data begins; the final size of RESET_STREAM. */
  readonly offset: number;
  readonly fin: boolean;
  /** A view into the record. */
  readonly data: Uint8Array<ArrayBuffer>;
}

const none = { stream: 0, value: 0, offset: 0, fin: false, data: new Uint8Array() };

export function parseRecord(record: Uint8Array<ArrayBuffer>): Frame[] {
  const reader = new QuicReader(record);
  const frames: Frame[] = [];
  while (reader.remaining > 0) {
    const frame = parseFrame(reader);
    if (frame.type !== FrameType.Padding) {
      frames.push(frame);
    }
  }
  return frames;
}

function parseFrame(reader: QuicReader): Frame {
  const type = readType(reader);
  if (type >= FrameType.Stream && type <= (FrameType.Stream | streamFin | streamLength | streamOffset)) {
    return parseStream(type, reader);
  }
  switch (type) {
    case FrameType.Padding:
      return { ...none, type };
    case FrameType.ResetStream:
      return { ...none, type, stream: reader.uint(), value: readLimit(reader), offset: reader.uint() };
    case FrameType.StopSending:
    case FrameType.MaxStreamData:
    case FrameType.StreamDataBlocked:
      return { ...none, type, stream: reader.uint(), value: readLimit(reader) };
    case FrameType.MaxData:
    case FrameType.MaxStreamsBidi:
    case FrameType.MaxStreamsUni:
    case FrameType.DataBlocked:
    case FrameType.StreamsBlockedBidi:
    case FrameType.StreamsBlockedUni:
      return { ...none, type, value: readLimit(reader) };
    case FrameType.Ping:
    case FrameType.Pong:
      return { ...none, type, value: reader.uint() };
    case FrameType.ConnectionClose:
      return { ...none, type, value: readLimit(reader), offset: readLimit(reader), data: reader.lengthPrefixed(reader.remaining) };
    case FrameType.ApplicationClose:
      return { ...none, type, value: readLimit(reader), data: reader.lengthPrefixed(reader.remaining) };
    case FrameType.TransportParameters:
      return { ...none, type, data: reader.lengthPrefixed(reader.remaining) };
    default:
      throw new WireError(`frame type 0x${type.toString(16)}`);
  }
}

function parseStream(type: number, reader: QuicReader): Frame {
  const stream = reader.uint();
  const offset = type & streamOffset ? reader.uint() : 0;
  const data = type & streamLength ? reader.lengthPrefixed(reader.remaining) : reader.rest();
  return { ...none, type: FrameType.Stream, stream, offset, fin: (type & streamFin) !== 0, data };
}

function readType(reader: QuicReader): number {
  const bytes = readVarintBytes(reader);
  if (bytes.length < 8) {
    return new QuicReader(bytes).uint();
  }
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const type = longTypes.get(hex);
  if (type === undefined) {
    throw new WireError(`frame type of 8 bytes, ${hex}`);
  }
  return type;
}

/** Limits and codes may be larger than a number holds exactly: then they are as good as endless. */
function readLimit(reader: QuicReader): number {
  const bytes = readVarintBytes(reader);
  return bytes.length === 8 && ((bytes[0] ?? 0) & 0x3f || (bytes[1] ?? 0) & 0xe0) ? Number.MAX_SAFE_INTEGER : new QuicReader(bytes).uint();
}

function readVarintBytes(reader: QuicReader): Uint8Array<ArrayBuffer> {
  const first = reader.bytes(1);
  return concat([first, reader.bytes(quicVarintLength(first[0] ?? 0) - 1)]);
}

function fields(type: number, ...values: number[]): Uint8Array<ArrayBuffer> {
  const head = [...longTypes].find(([, known]) => known === type)?.[0];
  const bytes = head ? Uint8Array.from(head.match(/../g) ?? [], (pair) => parseInt(pair, 16)) : encodeQuicVarint(type);
  return concat([bytes, ...values.map(encodeQuicVarint)]);
}

export function encodeStream(stream: number, offset: number, data: Uint8Array, fin: boolean): Uint8Array<ArrayBuffer> {
  const type = FrameType.Stream | streamOffset | streamLength | (fin ? streamFin : 0);
  return concat([fields(type, stream, offset, data.length), data]);
}

/** A frame of a type whose fields are all integers, in their order. */
export function encodeFrame(type: number, ...values: number[]): Uint8Array<ArrayBuffer> {
  return fields(type, ...values);
}

export function encodeClose(code: number, reason: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(reason.slice(0, 256));
  return concat([fields(FrameType.ApplicationClose, code, text.length), text]);
}

/** What an endpoint allows the other (RFC 9000, section 18.2). */
export interface Parameters {
  readonly maxData: number;
  /** Of the other's streams: those that this side opened, those that the other did. */
  readonly streamDataBidiLocal: number;
  readonly streamDataBidiRemote: number;
  readonly streamDataUni: number;
  readonly streamsBidi: number;
  readonly streamsUni: number;
}

const parameterIds = {
  maxData: 0x04,
  streamDataBidiLocal: 0x05,
  streamDataBidiRemote: 0x06,
  streamDataUni: 0x07,
  streamsBidi: 0x08,
  streamsUni: 0x09,
} as const;

export function encodeParameters(parameters: Parameters): Uint8Array<ArrayBuffer> {
  const names = Object.keys(parameterIds) as (keyof Parameters)[];
  const body = concat(
    names.flatMap((name) => {
      const value = encodeQuicVarint(parameters[name]);
      return [encodeQuicVarint(parameterIds[name]), encodeQuicVarint(value.length), value];
    }),
  );
  return concat([fields(FrameType.TransportParameters, body.length), body]);
}

export function parseParameters(data: Uint8Array<ArrayBuffer>): Parameters {
  const found = new Map<number, number>();
  const reader = new QuicReader(data);
  while (reader.remaining > 0) {
    const id = readLimit(reader);
    const value = reader.lengthPrefixed(reader.remaining);
    if (Object.values(parameterIds).some((known) => known === id)) {
      found.set(id, readLimit(new QuicReader(value)));
    }
  }
  const of = (name: keyof Parameters): number => found.get(parameterIds[name]) ?? 0;
  return {
    maxData: of("maxData"),
    streamDataBidiLocal: of("streamDataBidiLocal"),
    streamDataBidiRemote: of("streamDataBidiRemote"),
    streamDataUni: of("streamDataUni"),
    streamsBidi: of("streamsBidi"),
    streamsUni: of("streamsUni"),
  };
}
