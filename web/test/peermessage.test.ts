import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PieceAssembly } from "../src/swarm/assembly.ts";
import { PeerType, maxPeerMessage } from "../src/swarm/codes.ts";
import { type PeerMessage, type PiecePart, encodePeerMessage, maxPart, parsePeerMessage } from "../src/swarm/peermessage.ts";
import { WireError } from "../src/wire/varint.ts";
import { fromHex, random, randomBytes } from "./helpers.ts";

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly message?: Record<string, unknown>;
  readonly error?: boolean;
}

const vectors = JSON.parse(readFileSync("../relay/swarm/wire/testdata/peer.json", "utf8")) as Vector[];

const fromBase64 = (text: unknown) => Uint8Array.from(Buffer.from(String(text ?? ""), "base64"));

/** Go leaves out what is zero, and writes bytes as base64. */
function messageOf({ type, ...fields }: Record<string, unknown>): PeerMessage {
  const id = { g: 0, n: 0 };
  const defaults: Record<number, object> = {
    [PeerType.Hello]: { version: 0, peer: 0, token: fromBase64(fields["token"]) },
    [PeerType.Sub]: { sub: 0, id },
    [PeerType.Unsub]: { sub: 0 },
    [PeerType.Have]: { have: ((fields["have"] ?? []) as Record<string, unknown>[]).map((map) => ({ ...map, bits: fromBase64(map["bits"]) })) },
    [PeerType.Ping]: { time: BigInt(Number(fields["time"] ?? 0)) },
    [PeerType.Pong]: { time: BigInt(Number(fields["time"] ?? 0)) },
    [PeerType.Piece]: { id, offset: 0, bytes: fromBase64(fields["bytes"]) },
    [PeerType.Beacon]: { bytes: fromBase64(fields["bytes"]) },
  };
  const given = Object.fromEntries(Object.entries(fields).filter(([key]) => !["token", "have", "time", "bytes"].includes(key)));
  return { type, ...defaults[type as number], ...given } as PeerMessage;
}

for (const { name, hex, message, error } of vectors) {
  test(`message between peers: ${name}`, () => {
    if (error || !message) {
      assert.throws(() => parsePeerMessage(fromHex(hex)), WireError);
      return;
    }
    const wanted = messageOf(message);
    assert.deepEqual(parsePeerMessage(fromHex(hex)), wanted);
    assert.deepEqual(encodePeerMessage(wanted), fromHex(hex));
  });
}

test("the largest part of the largest piece fits into a message", () => {
  const part: PiecePart = {
    type: PeerType.Piece,
    id: { g: Number.MAX_SAFE_INTEGER, n: 2 ** 32 - 1 },
    offset: 32768 - maxPart,
    size: 32768,
    bytes: new Uint8Array(maxPart),
  };
  const encoded = encodePeerMessage(part);
  assert.ok(encoded.length <= maxPeerMessage, `${encoded.length}`);
  assert.deepEqual(parsePeerMessage(encoded), part);
  assert.throws(() => parsePeerMessage(new Uint8Array(maxPeerMessage + 1).fill(PeerType.Beacon)), WireError);
});

test("whatever a peer sends is a message or a WireError", () => {
  const next = random(7);
  for (let i = 0; i < 20_000; i++) {
    const bytes = randomBytes(next, Math.floor(next() * 40));
    bytes[0] = Math.floor(next() * 20);
    try {
      parsePeerMessage(bytes);
    } catch (error) {
      assert.ok(error instanceof WireError, String(error));
    }
  }
});

function part(n: number, offset: number, size: number, ...bytes: number[]): PiecePart {
  return { type: PeerType.Piece, id: { g: 1, n }, offset, size, bytes: Uint8Array.from(bytes) };
}

test("a piece is whole with its last part, in whatever order they come", () => {
  const assembly = new PieceAssembly();
  assert.equal(assembly.add(part(1, 3, 5, 4, 5)), undefined);
  assert.deepEqual(assembly.add(part(2, 0, 2, 8, 9)), Uint8Array.of(8, 9));
  assert.equal(assembly.add(part(1, 0, 5, 1)), undefined);
  assert.deepEqual(assembly.add(part(1, 1, 5, 2, 3)), Uint8Array.of(1, 2, 3, 4, 5));
});

test("parts that overlap, change the size or are too many break the rules", () => {
  const begun = () => {
    const assembly = new PieceAssembly();
    assembly.add(part(1, 0, 100, 1, 2, 3));
    return assembly;
  };
  assert.throws(() => begun().add(part(1, 2, 100, 1)), WireError);
  assert.throws(() => begun().add(part(1, 3, 99, 1)), WireError);
  const small = begun();
  for (let i = 3; i < 10; i++) {
    small.add(part(1, i, 100, 1));
  }
  assert.throws(() => small.add(part(1, 10, 100, 1)), WireError);
  const many = new PieceAssembly();
  for (let n = 0; n < 64; n++) {
    many.add(part(n, 0, 32768, 1));
  }
  assert.throws(() => many.add(part(64, 0, 32768, 1)), WireError);
});
