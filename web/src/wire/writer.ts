import { encodeVarint } from "./varint.ts";

const utf8 = new TextEncoder();

export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Collects the fields of one message. */
export class ByteWriter {
  private readonly parts: Uint8Array[] = [];

  varint(value: bigint | number): this {
    this.parts.push(encodeVarint(value));
    return this;
  }

  u8(value: number): this {
    return this.bytes(Uint8Array.of(value));
  }

  u16(value: number): this {
    return this.bytes(Uint8Array.of(value >> 8, value & 0xff));
  }

  bytes(value: Uint8Array): this {
    this.parts.push(value);
    return this;
  }

  lengthPrefixed(value: Uint8Array): this {
    return this.varint(value.length).bytes(value);
  }

  text(value: string): this {
    return this.lengthPrefixed(utf8.encode(value));
  }

  finish(): Uint8Array<ArrayBuffer> {
    return concat(this.parts);
  }
}
