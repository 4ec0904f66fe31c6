// The variable-length integers of draft-ietf-moq-transport-18 section 1.4.1:
// the number of leading one bits in the first byte is the number of bytes that
// follow it.

export class WireError extends Error {
  override name = "WireError";
}

/** The number of bytes an integer takes, told by its first byte. */
export function varintLength(first: number): number {
  return first === 0xff ? 9 : Math.clz32(~first << 24) + 1;
}

/** Decodes exactly one integer; bytes holds varintLength(bytes[0]) bytes. */
export function decodeVarint(bytes: Uint8Array): bigint {
  const first = bytes[0];
  if (first === undefined || bytes.length !== varintLength(first)) {
    throw new WireError("truncated integer");
  }
  let value = BigInt(first & (0x7f >> (bytes.length - 1)));
  for (const byte of bytes.subarray(1)) {
    value = (value << 8n) | BigInt(byte);
  }
  return value;
}

/** Encodes with the fewest bytes. */
export function encodeVarint(value: bigint | number): Uint8Array {
  const v = BigInt(value);
  if (v < 0n || v >= 1n << 64n) {
    throw new RangeError(`integer out of range: ${v}`);
  }
  let length = 1;
  while (length < 9 && v >= 1n << BigInt(7 * length)) {
    length++;
  }
  const out = new Uint8Array(length);
  let rest = v;
  for (let i = length - 1; i >= 0; i--) {
    out[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  out[0] = (out[0] ?? 0) | (0xff & ~(0xff >> (length - 1)));
  return out;
}

/**
 * An identifier or a length as a number. Values beyond 2^53 cannot be told
 * apart as numbers, and no sane peer sends them.
 */
export function safeNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new WireError(`integer too large: ${value}`);
  }
  return Number(value);
}
