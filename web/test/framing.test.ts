import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeViewerMessage, readEdgeMessages, readPieceHeader, readPieces } from "../src/swarm/framing.ts";
import { parseEdgeMessage } from "../src/swarm/sessionmessage.ts";
import { QuicReader, decodeQuicVarint, encodeQuicVarint } from "../src/wire/quicvarint.ts";
import { StreamReader } from "../src/wire/streamreader.ts";
import { WireError } from "../src/wire/varint.ts";
import { ascii, collect, fromHex, random, readerOf, streamOf } from "./helpers.ts";

test("the integers of RFC 9000, appendix A.1", () => {
  for (const [hex, value] of [["25", 37], ["4025", 37], ["7bbd", 15_293], ["9d7f3e7d", 494_878_333]] as const) {
    assert.equal(decodeQuicVarint(fromHex(hex)), value);
  }
  assert.throws(() => decodeQuicVarint(fromHex("c2197c5eff14e88c")), WireError, "151,288,809,941,952,652 is over 2^53");
  for (const [value, hex] of [[63, "3f"], [64, "4040"], [16_384, "80004000"], [2 ** 30, "c000000040000000"], [2 ** 53 - 1, "c01fffffffffffff"]] as const) {
    assert.deepEqual(encodeQuicVarint(value), fromHex(hex));
    assert.equal(new QuicReader(fromHex(hex)).uint(), value);
  }
  assert.throws(() => encodeQuicVarint(2 ** 53), RangeError);
  assert.throws(() => new QuicReader(fromHex("4040")).uint(63), WireError);
});

const frame = (json: string) => Buffer.from(encodeQuicVarint(Buffer.byteLength(json))).toString("hex") + Buffer.from(json).toString("hex");

test("messages of an edge are read one by one; unknown ones are left out", async () => {
  const hex = frame('{"t":"slots","slots":3,"new":1}') + frame('{"t":"tomorrow"}') + frame('{"t":"mode","mode":"edge","reason":"small"}');
  assert.deepEqual(await collect(readEdgeMessages(readerOf(hex))), [
    { t: "slots", slots: 3 },
    { t: "mode", mode: "edge", reason: "small" },
  ]);
});

test("what a viewer says is its length and JSON", () => {
  assert.deepEqual(encodeViewerMessage({ t: "cancel", id: 7 }), fromHex(frame('{"t":"cancel","id":7}')));
  assert.throws(() => encodeViewerMessage({ t: "leave", reason: "x".repeat(70_000) }), RangeError);
});

test("welcome is taken with all its parameters, and little is taken as it is", () => {
  const params = { delay: 1000.5, subs: 4, depth: 4, gapPull: 150, hedgeStart: 200, hedgeMin: 120, hedgeMax: 400, share: 0.4, capFactor: 2, cap: 12e6 };
  const welcome = { t: "welcome", peer: 9, mode: "on", reason: "", control: false, swarm: 2, ice: ["stun:127.0.0.1:3478"], ask: "ask", lan: true, params };
  assert.deepEqual(parseEdgeMessage(JSON.stringify(welcome)), welcome);
  const bare = parseEdgeMessage('{"t":"welcome","peer":1,"mode":"edge"}');
  assert.ok(bare?.t === "welcome" && bare.params.subs === 1 && bare.ice.length === 0);
});

test("messages that break a bound are refused", () => {
  const bad = [
    "[]",
    "{",
    '{"t":"welcome","peer":1,"mode":"off"}',
    '{"t":"welcome","peer":-1,"mode":"on"}',
    '{"t":"welcome","peer":1,"mode":"on","ice":[1]}',
    '{"t":"welcome","peer":1,"mode":"on","params":{"subs":17}}',
    '{"t":"assign","sub":16,"peer":1}',
    '{"t":"slots","slots":1.5}',
    '{"t":"delay","delay":"1"}',
    '{"t":"candidates","peers":[{"peer":1,"role":"king"}]}',
    `{"t":"candidates","peers":[${Array(65).fill('{"peer":1,"role":"parent"}').join()}]}`,
    '{"t":"signal","peer":1,"description":{"type":"rollback","sdp":""}}',
    `{"t":"signal","peer":1,"candidate":{"candidate":"${"x".repeat(1025)}"}}`,
  ];
  for (const text of bad) {
    assert.throws(() => parseEdgeMessage(text), WireError, text.slice(0, 60));
  }
});

test("whatever comes as JSON is a message, nothing or a WireError", () => {
  const next = random(3);
  const kinds = ["welcome", "mode", "candidates", "assign", "signal", "slots", "delay", "drop", "error"];
  const values: unknown[] = [null, -1, 1e300, "", "on", "parent", true, [], [{}], {}, { sdp: 1 }, [null]];
  const names = ["peer", "mode", "params", "peers", "ice", "sub", "description", "candidate", "slots", "delay", "ban", "reason"];
  for (let i = 0; i < 5000; i++) {
    const pick = <T>(from: readonly T[]) => from[Math.floor(next() * from.length)];
    const message = Object.fromEntries([["t", pick(kinds)], ...Array.from({ length: 3 }, () => [pick(names), pick(values)])]);
    try {
      parseEdgeMessage(JSON.stringify(message));
    } catch (error) {
      assert.ok(error instanceof WireError, String(error));
    }
  }
});

test("a stream of pieces", async () => {
  const stream = readerOf(`02 00 4064 4064 05 03 ${ascii("abc")} 4064 09 01 ${ascii("d")}`);
  assert.deepEqual(await readPieceHeader(stream), { swarm: 2, hedged: false, id: 100 });
  const pieces = await collect(readPieces(stream));
  assert.deepEqual(pieces.map(({ id, bytes }) => [id.g, id.n, new TextDecoder().decode(bytes)]), [[100, 5, "abc"], [100, 9, "d"]]);
});

test("pieces that are cut off, too large or empty are refused", async () => {
  for (const hex of ["01 01 05 61", "01 01 80008001 61", "01 01 00", "01 c000000100000000 01 61"]) {
    await assert.rejects(collect(readPieces(readerOf(hex))), WireError, hex);
  }
  await assert.rejects(readPieceHeader(readerOf("00 02 00")), WireError);
  const reset = new StreamReader(streamOf(fromHex("01 01 05 61"), 2, new Error("reset")));
  await assert.rejects(collect(readPieces(reset)), /reset/);
  await assert.rejects(collect(readEdgeMessages(readerOf("80010001"))), WireError, "a message over 64 KiB");
  await assert.rejects(collect(readEdgeMessages(readerOf("02 ff61"))), WireError, "no UTF-8");
});
