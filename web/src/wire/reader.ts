import { WireError, decodeVarint, safeNumber, varintLength } from "./varint.ts";

const utf8 = new TextDecoder();

/** Reads fields out of a whole message; every read past its end is a WireError. */
export class ByteReader {
  private offset = 0;

  constructor(private readonly data: Uint8Array) {}

  get remaining(): number {
    return this.data.length - this.offset;
  }

  /** A view into the message, not a copy. */
  bytes(length: number): Uint8Array {
    if (length > this.remaining) {
      throw new WireError(`truncated: ${length} bytes wanted, ${this.remaining} left`);
    }
    this.offset += length;
    return this.data.subarray(this.offset - length, this.offset);
  }

  u8(): number {
    return this.bytes(1)[0] ?? 0;
  }

  varint(): bigint {
    const first = this.data[this.offset];
    if (first === undefined) {
      throw new WireError("truncated: integer wanted, nothing left");
    }
    return decodeVarint(this.bytes(varintLength(first)));
  }

  uint(): number {
    return safeNumber(this.varint());
  }

  lengthPrefixed(max: number): Uint8Array {
    const length = this.uint();
    if (length > max) {
      throw new WireError(`field of ${length} bytes, at most ${max} allowed`);
    }
    return this.bytes(length);
  }

  text(max: number): string {
    return utf8.decode(this.lengthPrefixed(max));
  }
}
