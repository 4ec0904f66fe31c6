// Streams of the swarm in a MoQT session (docs/swarm-protocol.md, "The session").
import { decodeQuicVarint, encodeQuicVarint, quicVarintLength } from "../wire/quicvarint.ts";
import type { StreamReader } from "../wire/streamreader.ts";
import { WireError } from "../wire/varint.ts";
import { concat } from "../wire/writer.ts";
import { maxMessage, maxPiece } from "./codes.ts";
import type { PieceID } from "./piece.ts";
import { type EdgeMessage, type ViewerMessage, parseEdgeMessage } from "./sessionmessage.ts";

const maxNumber = 2 ** 32 - 1;
const utf8 = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true });

async function readUint(stream: StreamReader, max = Number.MAX_SAFE_INTEGER): Promise<number> {
  const first = await stream.bytes(1);
  const rest = await stream.bytes(quicVarintLength(first[0] ?? 0) - 1);
  const value = decodeQuicVarint(concat([first, rest]));
  if (value > max) {
    throw new WireError(`${value} where at most ${max} is allowed`);
  }
  return value;
}

/** Length, JSON. */
export function encodeViewerMessage(message: ViewerMessage): Uint8Array<ArrayBuffer> {
  const json = utf8.encode(JSON.stringify(message));
  if (json.length > maxMessage) {
    throw new RangeError(`message ${message.t} of ${json.length} bytes`);
  }
  return concat([encodeQuicVarint(json.length), json]);
}

/** The edge's messages until FIN, without those that this version does not know. */
export async function* readEdgeMessages(stream: StreamReader): AsyncGenerator<EdgeMessage> {
  while (!(await stream.atEnd())) {
    const json = await stream.bytes(await readUint(stream, maxMessage));
    const message = parseEdgeMessage(decode(json));
    if (message) {
      yield message;
    }
  }
}

function decode(json: Uint8Array): string {
  try {
    return strict.decode(json);
  } catch (error) {
    throw new WireError("message is not UTF-8", { cause: error });
  }
}

export interface PieceStreamHeader {
  /** The number of the viewer's stream among its swarms. */
  readonly swarm: number;
  readonly hedged: boolean;
  /** The group, or the hedge's id. */
  readonly id: number;
}

export interface EdgePiece {
  readonly id: PieceID;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The stream's type has been read. */
export async function readPieceHeader(stream: StreamReader): Promise<PieceStreamHeader> {
  const swarm = await readUint(stream);
  const kind = await readUint(stream, 1);
  return { swarm, hedged: kind === 1, id: await readUint(stream) };
}

/** The pieces of a stream until FIN; a reset rejects. */
export async function* readPieces(stream: StreamReader): AsyncGenerator<EdgePiece> {
  while (!(await stream.atEnd())) {
    const id = { g: await readUint(stream), n: await readUint(stream, maxNumber) };
    const size = await readUint(stream, maxPiece);
    if (size === 0) {
      throw new WireError("piece without bytes");
    }
    yield { id, bytes: await stream.bytes(size) };
  }
}
