// The variable-length integers of RFC 9000, section 16: the two highest bits of the
// first byte are the logarithm of the length. Values from 2^53 on are refused, as
// JavaScript cannot tell them apart.
import { WireError } from "./varint.ts";

/** The number of bytes an integer takes, told by its first byte. */
export function quicVarintLength(first: number): 1 | 2 | 4 | 8 {
  return (1 << (first >> 6)) as 1 | 2 | 4 | 8;
}

/** Decodes exactly one integer; bytes holds quicVarintLength(bytes[0]) bytes. */
export function decodeQuicVarint(bytes: Uint8Array): number {
  const first = bytes[0];
  if (first === undefined || bytes.length !== quicVarintLength(first)) {
    throw new WireError("truncated integer");
  }
  let value = first & 0x3f;
  for (let i = 1; i < bytes.length; i++) {
    value = value * 256 + (bytes[i] ?? 0);
  }
  if (value > Number.MAX_SAFE_INTEGER) {
    throw new WireError("integer too large");
  }
  return value;
}

/** Encodes with the fewest bytes. */
export function encodeQuicVarint(value: number): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`integer out of range: ${value}`);
  }
  const power = value < 2 ** 6 ? 0 : value < 2 ** 14 ? 1 : value < 2 ** 30 ? 2 : 3;
  const out = new Uint8Array(1 << power);
  let rest = value;
  for (let i = out.length - 1; i >= 0; i--) {
    out[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  out[0] = (out[0] ?? 0) | (power << 6);
  return out;
}

/** Reads fields as Freshet's own messages have them out of a whole message; every read past its end is a WireError. */
export class QuicReader {
  private offset = 0;

  constructor(private readonly data: Uint8Array<ArrayBuffer>) {}

  get remaining(): number {
    return this.data.length - this.offset;
  }

  /** A view into the message, not a copy. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    if (length > this.remaining) {
      throw new WireError(`truncated: ${length} bytes wanted, ${this.remaining} left`);
    }
    this.offset += length;
    return this.data.subarray(this.offset - length, this.offset);
  }

  rest(): Uint8Array<ArrayBuffer> {
    return this.bytes(this.remaining);
  }

  u8(): number {
    return this.bytes(1)[0] ?? 0;
  }

  /** At most `max`, which is a WireError beyond. */
  uint(max = Number.MAX_SAFE_INTEGER): number {
    const first = this.data[this.offset];
    if (first === undefined) {
      throw new WireError("truncated: integer wanted, nothing left");
    }
    const value = decodeQuicVarint(this.bytes(quicVarintLength(first)));
    if (value > max) {
      throw new WireError(`${value} where at most ${max} is allowed`);
    }
    return value;
  }

  lengthPrefixed(max: number): Uint8Array<ArrayBuffer> {
    return this.bytes(this.uint(max));
  }

  /** Nothing may follow. */
  end(): void {
    if (this.remaining > 0) {
      throw new WireError(`${this.remaining} bytes too many`);
    }
  }
}
