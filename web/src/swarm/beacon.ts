// Beacons (docs/swarm-protocol.md): what a chunk is made of, signed by the packager.
// The same as relay/swarm/beacon in Go; relay/swarm/beacon/testdata/vectors.json holds
// the two together.
import { QuicReader } from "../wire/quicvarint.ts";
import { WireError } from "../wire/varint.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

/** Why a beacon, or the keys of a catalog, do not count. */
export type BeaconReason =
  | "malformed"
  | "stream_key"
  | "certificate"
  | "unknown_key"
  | "key_time"
  | "key_group"
  | "stale"
  | "future"
  | "old"
  | "signature"
  | "conflict"
  | "first";

export class BeaconError extends Error {
  override name = "BeaconError";

  constructor(
    readonly reason: BeaconReason,
    message: string = reason,
  ) {
    super(message);
  }
}

export interface Beacon {
  /** The first four bytes of the SHA-256 of the session key. */
  readonly key: number;
  readonly group: number;
  readonly chunk: number;
  /** The number, in the group, of the chunk's first piece. */
  readonly first: number;
  /** Presentation time of the first sample, in microseconds on the broadcast's timeline. */
  readonly pts: number;
  /** When it was signed, in ms since the Unix epoch. */
  readonly time: number;
  /** Bytes of each piece. */
  readonly sizes: readonly number[];
  /** SHA-256 of each piece. */
  readonly hashes: readonly Bytes[];
  readonly signature: Bytes;
  /** As it came, to be passed on. */
  readonly raw: Bytes;
}

export const maxPiece = 32 << 10;
export const maxPieces = 256;
export const signatureSize = 64;
const hashSize = 32;
/** Of 256 pieces, with the longest integers. */
export const maxBeaconSize = 1 + 4 + 5 * 8 + 2 + maxPieces * (4 + hashSize) + signatureSize;

/** The number behind that of the last piece. */
export function endOf(beacon: Beacon): number {
  return beacon.first + beacon.sizes.length;
}

/** Reads a beacon, which is all of raw. It keeps a copy. Throws BeaconError "malformed". */
export function decodeBeacon(raw: Bytes): Beacon {
  if (raw.length > maxBeaconSize) {
    throw new BeaconError("malformed", `beacon of ${raw.length} bytes`);
  }
  try {
    return validated(read(raw.slice()));
  } catch (error) {
    if (error instanceof WireError) {
      throw new BeaconError("malformed", error.message);
    }
    throw error;
  }
}

function read(raw: Bytes): Beacon {
  const r = new QuicReader(raw);
  if (r.u8() !== 1) {
    throw new BeaconError("malformed", "no beacon of version 1");
  }
  const key = uint32(r.bytes(4));
  const group = r.uint();
  const chunk = r.uint();
  const first = r.uint(2 ** 32 - 2);
  const pts = r.uint();
  const time = r.uint();
  const count = r.uint(maxPieces);
  const sizes = Array.from({ length: count }, () => r.uint(maxPiece));
  const hashes = Array.from({ length: count }, () => r.bytes(hashSize));
  const signature = r.bytes(signatureSize);
  r.end();
  return { key, group, chunk, first, pts, time, sizes, hashes, signature, raw };
}

/** The rules that the wire format does not hold. */
function validated(b: Beacon): Beacon {
  const each = b.sizes[0];
  if (each === undefined || endOf(b) > 2 ** 32 - 1) {
    throw new BeaconError("malformed", `${b.sizes.length} pieces from ${b.first}`);
  }
  b.sizes.forEach((size, i) => {
    const last = i === b.sizes.length - 1;
    if (size < 1 || (last ? size > each : size !== each)) {
      throw new BeaconError("malformed", `piece ${i} of ${size} bytes, the first has ${each}`);
    }
  });
  return b;
}

export function uint32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
