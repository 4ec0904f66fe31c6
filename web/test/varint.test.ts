import assert from "node:assert/strict";
import { test } from "node:test";
import { WireError, decodeVarint, encodeVarint, safeNumber, varintLength } from "../src/wire/varint.ts";
import { fromHex } from "./helpers.ts";

// draft-ietf-moq-transport-18, "Example Integer Encodings".
const vectors: [string, bigint][] = [
  ["25", 37n],
  ["8025", 37n],
  ["bbbd", 15_293n],
  ["ed7f3e7d", 226_442_877n],
  ["faa1a0e403d8", 2_893_212_287_960n],
  ["fc8998abc66bc0", 151_288_809_941_952n],
  ["fefa318fa8e3ca11", 70_423_237_261_249_041n],
  ["ffffffffffffffffff", 18_446_744_073_709_551_615n],
];

test("the draft's example integers decode", () => {
  for (const [hex, value] of vectors) {
    const bytes = fromHex(hex);
    assert.equal(varintLength(bytes[0] ?? 0), bytes.length, hex);
    assert.equal(decodeVarint(bytes), value, hex);
  }
});

test("the draft's example integers encode, in their shortest form", () => {
  for (const [hex, value] of vectors.filter(([hex]) => hex !== "8025")) {
    assert.deepEqual(encodeVarint(value), fromHex(hex), hex);
  }
});

test("each length's first and last value goes there and back", () => {
  for (let bits = 7n; bits <= 56n; bits += 7n) {
    for (const value of [(1n << bits) - 1n, 1n << bits]) {
      assert.equal(decodeVarint(encodeVarint(value)), value);
    }
    assert.equal(encodeVarint((1n << bits) - 1n).length, Number(bits / 7n));
  }
});

test("wrong lengths and unsafe identifiers are refused", () => {
  assert.throws(() => decodeVarint(new Uint8Array(0)), WireError);
  assert.throws(() => decodeVarint(fromHex("bb")), WireError);
  assert.throws(() => safeNumber(1n << 53n), WireError);
  assert.throws(() => encodeVarint(-1), RangeError);
  assert.throws(() => encodeVarint(1n << 64n), RangeError);
});
