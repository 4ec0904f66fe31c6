import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readCatalog, parseCatalog } from "../src/media/catalog.ts";
import { BeaconError, decodeBeacon, maxPiece, type Beacon, type Bytes } from "../src/swarm/beacon.ts";
import { parseSwarmKeys, signedPrefix, type SwarmKeys } from "../src/swarm/beaconkeys.ts";
import { PendingPieces, holdTime } from "../src/swarm/beaconpending.ts";
import { beaconsSupported } from "../src/swarm/beaconsupport.ts";
import { BeaconVerifier } from "../src/swarm/beaconverifier.ts";
import { beaconWindow } from "../src/swarm/beaconwindow.ts";
import { encodeQuicVarint } from "../src/wire/quicvarint.ts";
import { concat } from "../src/wire/writer.ts";

// Made by Go: relay/swarm/beacon/vectors_test.go.
interface Vectors {
  encoding: {
    raw: string;
    key: number;
    group: number;
    chunk: number;
    first: number;
    pts: number;
    time: number;
    sizes: number[];
    hashes: string[];
    signature: string;
  }[];
  malformed: { name: string; raw: string }[];
  scenarios: {
    name: string;
    namespace: string;
    track: string;
    delay: number;
    streamKey?: string;
    steps: Step[];
  }[];
}

interface Step {
  keys?: { streamKey: string; certificates: Record<string, unknown>[] };
  now?: number;
  beacon?: string;
  id?: { g: number; n: number };
  piece?: string;
  want: string;
}

const vectors = JSON.parse(readFileSync("../relay/swarm/beacon/testdata/vectors.json", "utf8")) as Vectors;

function base64(text = ""): Bytes {
  return Uint8Array.from(Buffer.from(text, "base64"));
}

/** As they come, whatever their shape: the verifier is to refuse them. */
function unchecked({ streamKey, certificates }: NonNullable<Step["keys"]>): SwarmKeys {
  return {
    streamKey: base64(streamKey),
    certificates: certificates.map((c) => ({
      key: base64(c["key"] as string),
      notBefore: c["notBefore"] as number,
      notAfter: c["notAfter"] as number,
      minGroup: c["minGroup"] as number,
      signature: base64(c["signature"] as string),
    })),
  };
}

async function reasonOf(f: () => Promise<string>): Promise<string> {
  try {
    return await f();
  } catch (error) {
    assert.ok(error instanceof BeaconError, String(error));
    return error.reason;
  }
}

async function outcome(v: BeaconVerifier, s: Step): Promise<string> {
  const { keys, beacon, id, now = 0 } = s;
  if (keys) {
    return reasonOf(() => v.setKeys(unchecked(keys)).then(() => "ok"));
  }
  if (id) {
    const verdict = await v.piece(id, base64(s.piece));
    return { genuine: "ok", unknown: "unknown", old: "old", wrong: "piece" }[verdict];
  }
  return reasonOf(() => v.add(now, base64(beacon)).then(({ fresh }) => (fresh ? "ok" : "known")));
}

test("beacons that Go encoded", () => {
  assert.ok(vectors.encoding.length >= 3);
  for (const { raw, hashes, signature, ...words } of vectors.encoding) {
    const want = { ...words, hashes: hashes.map(base64), signature: base64(signature), raw: base64(raw) };
    assert.deepEqual(decodeBeacon(base64(raw)), want);
  }
});

for (const { name, raw } of vectors.malformed) {
  test(`malformed: ${name}`, () => {
    assert.throws(() => decodeBeacon(base64(raw)), { name: "BeaconError", reason: "malformed" });
  });
}

for (const scenario of vectors.scenarios) {
  test(`scenario: ${scenario.name}`, async () => {
    const streamKey = scenario.streamKey === undefined ? undefined : base64(scenario.streamKey);
    const v = new BeaconVerifier({ ...scenario, streamKey });
    for (const [i, step] of scenario.steps.entries()) {
      if (step.id && step.beacon) {
        continue; // Evidence is for edges.
      }
      assert.equal(await outcome(v, step), step.want, `step ${i}`);
    }
  });
}

// A packager of the test's own, for what is too much for a file.
interface Packager {
  readonly keys: SwarmKeys;
  sign(group: number, chunk: number, first: number, pieces: Bytes[]): Promise<Bytes>;
}

const now = 1764200000500;

async function newPackager(): Promise<Packager> {
  const { subtle } = crypto;
  const make = () => subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
  const raw = async (key: CryptoKey) => new Uint8Array(await subtle.exportKey("raw", key));
  const sign = async (key: CryptoKey, message: Bytes) => new Uint8Array(await subtle.sign({ name: "Ed25519" }, key, message));
  const [stream, session] = await Promise.all([make(), make()]);
  const [streamKey, key] = await Promise.all([raw(stream.publicKey), raw(session.publicKey)]);
  const times = new DataView(new ArrayBuffer(24));
  times.setBigUint64(0, BigInt(now - 1000));
  times.setBigUint64(8, BigInt(now + 1000));
  const word = concat([signedPrefix("freshet swarm key 1", "live/cam1"), key, new Uint8Array(times.buffer)]);
  const certificate = { key, notBefore: now - 1000, notAfter: now + 1000, minGroup: 0, signature: await sign(stream.privateKey, word) };
  const sum = async (bytes: Bytes) => new Uint8Array(await subtle.digest("SHA-256", bytes));
  const id = (await sum(key)).subarray(0, 4);
  return {
    keys: { streamKey, certificates: [certificate] },
    async sign(group, chunk, first, pieces) {
      const numbers = [group, chunk, first, 0, now, pieces.length, ...pieces.map((p) => p.length)].map(encodeQuicVarint);
      const body = concat([Uint8Array.of(1), id, ...numbers, ...(await Promise.all(pieces.map(sum)))]);
      return concat([body, await sign(session.privateKey, concat([signedPrefix("freshet beacon 1", "live/cam1", "video"), body]))]);
    },
  };
}

const piece = (n: number) => Uint8Array.of(n, n >> 8, 7);

async function newVerifier(p: Packager): Promise<BeaconVerifier> {
  const v = new BeaconVerifier({ namespace: "live/cam1", track: "video", delay: 1000 });
  await v.setKeys(p.keys);
  return v;
}

test("the oldest beacons are forgotten, and do not come in again", async () => {
  const p = await newPackager();
  const v = await newVerifier(p);
  const all = await Promise.all(
    Array.from({ length: beaconWindow + 1 }, (_, i) => p.sign(5 + Math.floor(i / 100), i % 100, i % 100, [piece(i)])),
  );
  for (const raw of all) {
    assert.equal((await v.add(now, raw)).fresh, true);
  }
  await assert.rejects(v.add(now, all[0] ?? piece(0)), { reason: "old" });
  assert.equal(await v.piece({ g: 5, n: 0 }, piece(0)), "old");
  assert.equal(await v.piece({ g: 4, n: 0 }, piece(0)), "old");
  for (const i of [1, 99, 100, 555, beaconWindow]) {
    assert.equal(await v.piece({ g: 5 + Math.floor(i / 100), n: i % 100 }, piece(i)), "genuine");
    assert.equal((await v.add(now, all[i] ?? piece(0))).fresh, false);
  }
});

// Both are under way in WebCrypto at one time: only one of them can be the chunk.
test("two beacons of one chunk at once", async () => {
  const p = await newPackager();
  const v = await newVerifier(p);
  const [a, b] = await Promise.all([p.sign(5, 0, 0, [piece(1)]), p.sign(5, 0, 0, [piece(2)])]);
  const results = await Promise.allSettled([v.add(now, a), v.add(now, b)]);
  assert.deepEqual(results.map((r) => r.status), ["fulfilled", "rejected"]);
  assert.equal(await v.piece({ g: 5, n: 0 }, piece(1)), "genuine");
});

test("what is handed out does not change with the bytes that came", async () => {
  const p = await newPackager();
  const v = await newVerifier(p);
  const raw = await p.sign(5, 0, 0, [piece(1)]);
  const { beacon } = await v.add(now, raw);
  raw.fill(0);
  assert.equal(await v.piece({ g: 5, n: 0 }, piece(1)), "genuine");
  assert.equal(beacon.raw[0], 1);
});

test("a new delay", async () => {
  const p = await newPackager();
  const v = await newVerifier(p);
  const raw = await p.sign(5, 0, 0, [piece(1)]);
  await assert.rejects(v.add(now + 6001, raw), { reason: "stale" });
  v.setDelay(1001);
  assert.equal((await v.add(now + 6001, raw)).fresh, true);
});

test("pending pieces", async () => {
  const p = await newPackager();
  const beacon: Beacon = decodeBeacon(await p.sign(5, 2, 5, [piece(1), piece(2), piece(3)]));
  const pending = new PendingPieces();
  const ids = [[1, 5], [2, 5], [1, 6], [1, 9]] as const;
  for (const [from, n] of ids) {
    assert.equal(pending.add(0, from, { g: 5, n }, piece(n)), true);
  }
  assert.equal(pending.add(0, 1, { g: 5, n: 5 }, piece(0)), false, "of one sender once");
  assert.deepEqual(pending.take(beacon).map(({ from, id }) => [from, id.n]), [[1, 5], [2, 5], [1, 6]]);
  assert.deepEqual(pending.take(beacon), []);
  assert.deepEqual(pending.expire(holdTime - 1), []);
  assert.deepEqual(pending.expire(holdTime).map(({ id }) => id.n), [9]);
});

test("pending pieces are bounded", () => {
  const pending = new PendingPieces();
  const fill = (from: number, size: number): number => {
    let n = 0;
    while (n < 100 && pending.add(0, from, { g: 5, n }, new Uint8Array(size))) {
      n++;
    }
    return n;
  };
  assert.equal(fill(1, maxPiece), 8);
  assert.equal(fill(2, 1), 64);
  let senders = 2;
  while (senders < 100 && fill(senders + 1, maxPiece) > 0) {
    senders++;
  }
  assert.equal(senders, 16);
  assert.equal(fill(0, maxPiece), 32, "peers do not crowd the edge out");
  pending.drop(1);
  assert.equal(fill(99, maxPiece), 8);
});

test("the keys of a catalog", () => {
  const step = vectors.scenarios[0]?.steps[0];
  const keys = parseSwarmKeys(step?.keys);
  assert.deepEqual(keys, step?.keys && unchecked(step.keys));
  const first = step?.keys?.certificates[0];
  for (const bad of [
    undefined,
    null,
    5,
    "x",
    {},
    { ...step?.keys, streamKey: "AAAA" },
    { ...step?.keys, streamKey: undefined },
    { ...step?.keys, certificates: undefined },
    { ...step?.keys, certificates: [null] },
    { ...step?.keys, certificates: [{ ...first, notAfter: "1764200000000" }] },
    { ...step?.keys, certificates: [{ ...first, minGroup: 1.5 }] },
    { ...step?.keys, certificates: Array(9).fill(first) },
  ]) {
    assert.equal(parseSwarmKeys(bad), null, JSON.stringify(bad));
  }
});

test("a catalog names beacons, and one that breaks a rule plays without", () => {
  const track = { name: "video", packaging: "cmaf", role: "video", codec: "avc1.4D401F", initRef: "i", beacons: "video.beacons" };
  const audio = { name: "audio", packaging: "cmaf", role: "audio", codec: "mp4a.40.2", initRef: "i" };
  const read = (swarm: unknown) => {
    const root = { version: "1", tracks: [track, audio], initDataList: [{ id: "i", type: "inline", data: "AAAA" }], swarm };
    return new TextEncoder().encode(JSON.stringify(root));
  };
  const good = readCatalog(read(vectors.scenarios[0]?.steps[0]?.keys));
  assert.deepEqual(good.tracks.map((t) => t.beacons), ["video.beacons", undefined]);
  assert.equal(good.swarm?.certificates.length, 1);
  for (const swarm of [undefined, 5, { streamKey: "*" }]) {
    const { tracks, swarm: none } = readCatalog(read(swarm));
    assert.equal(none, null);
    assert.deepEqual(tracks.map((t) => [t.name, t.beacons]), [["video", undefined], ["audio", undefined]]);
    assert.deepEqual(parseCatalog(read(swarm)), tracks);
  }
});

test("this machine verifies beacons; one without Ed25519 does not", async () => {
  assert.equal(await beaconsSupported(), true);
  const missing = async () => {
    throw new DOMException("Unrecognized name.", "NotSupportedError");
  };
  const without = { importKey: missing } as unknown as SubtleCrypto;
  assert.equal(await beaconsSupported(without), false);
  const credulous = { importKey: async () => ({}), verify: async () => true } as unknown as SubtleCrypto;
  assert.equal(await beaconsSupported(credulous), false);
});
