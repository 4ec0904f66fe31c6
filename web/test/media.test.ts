import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { boxes, findBox } from "../src/media/boxes.ts";
import { CatalogError, parseCatalog } from "../src/media/catalog.ts";
import { parseChunk, parseTimescale } from "../src/media/chunk.ts";
import { fromHex, random, randomBytes } from "./helpers.ts";

// Written by ffmpeg 5.1: two H.264 frames of 1/25 s, a fragment each, timescale 12800, with prft of
// 2026-11-22 23:08:35.911 UTC (`date` agreed).
const file = new Uint8Array(readFileSync("test/testdata/two-fragments.mp4"));

/** The top-level boxes with their offsets. */
function topLevel(): { type: string; start: number; end: number }[] {
  const view = new DataView(file.buffer, file.byteOffset);
  const all = [];
  for (let start = 0; start < file.length; ) {
    const end = start + view.getUint32(start);
    all.push({ type: String.fromCharCode(...file.subarray(start + 4, start + 8)), start, end });
    start = end;
  }
  return all;
}

function chunk(index: number): Uint8Array {
  const starts = topLevel().filter(({ type }) => type === "prft");
  const end = topLevel().filter(({ type }) => type === "mdat")[index]?.end;
  return file.subarray(starts[index]?.start, end);
}

test("ffmpeg's header and fragments are understood", () => {
  assert.equal(parseTimescale(file), 12800);
  const first = parseChunk(chunk(0));
  const second = parseChunk(chunk(1));
  assert.equal(first?.decodeTime, 0n);
  assert.equal(second?.decodeTime, 512n);
  assert.equal(second?.duration, 512);
});

test("a run's durations are summed between its other fields, or taken from the fragment's default", () => {
  const tfdt = "00000014 74666474 01000000 0000000000000064";
  const ownDurations = `00000028 7472756e 00000301 00000002 00000000 0000000a 000000ff 00000014 000000ff 00000000`;
  const explicit = `00000044 74726166 ${tfdt} ${ownDurations}`;
  assert.deepEqual(parseChunk(fromHex(`0000004c 6d6f6f66 ${explicit}`)), { decodeTime: 100n, duration: 30, composition: 0, producer: undefined });
  const byDefault = `00000040 74726166 ${tfdt} 00000014 74666864 00000008 00000001 00000007 00000010 7472756e 00000000 00000003`;
  assert.equal(parseChunk(fromHex(`00000048 6d6f6f66 ${byDefault}`))?.duration, 21);
});

test("composition is that of the sample shown first, which need not be decoded first", () => {
  const tfdt = "00000014 74666474 01000000 0000000000000064";
  // Durations 10 each, offsets 30 and -5: shown at 30 and at 5.
  const run = "00000020 7472756e 01000900 00000002 0000000a 0000001e 0000000a fffffffb";
  const chunk = parseChunk(fromHex(`00000044 6d6f6f66 0000003c 74726166 ${tfdt} ${run}`));
  assert.deepEqual([chunk?.duration, chunk?.composition], [20, 5]);
});

test("a box smaller than its own header ends the reading", () => {
  assert.deepEqual([...boxes(fromHex("00000004 66726565 00000008 6d646174"))], []);
  assert.equal([...boxes(fromHex("00000000 66726565 01020304"))].length, 1);
});

test("prft is the wall clock of the recording", () => {
  const first = parseChunk(chunk(0))?.producer;
  const second = parseChunk(chunk(1))?.producer;
  assert.ok(first && second);
  assert.equal(second.mediaTime, 512n);
  assert.equal(Math.round(first.wallClock), Date.UTC(2026, 10, 22, 23, 8, 35, 911));
  assert.equal(second.wallClock, first.wallClock);
});

test("a chunk cut off or damaged anywhere is refused or read, never worse", () => {
  const whole = chunk(1);
  const next = random(4);
  for (let length = 0; length < whole.length; length++) {
    parseChunk(whole.subarray(0, length));
    const damaged = whole.slice();
    damaged.set(randomBytes(next, 4), Math.floor(next() * (whole.length - 4)));
    parseChunk(damaged);
  }
  assert.equal(parseChunk(new Uint8Array(0)), undefined);
  assert.equal(parseTimescale(whole), undefined);
  assert.equal(findBox(whole, "moof/traf/none"), undefined);
});

const encoder = new TextEncoder();
const parse = (catalog: unknown) => parseCatalog(encoder.encode(JSON.stringify(catalog)));

// The form that Shaka Player 5.2 plays.
const video = { name: "v", packaging: "cmaf", isLive: true, role: "video", initRef: "init-v", codec: "avc1.4D401F" };
const audio = { name: "a", packaging: "cmaf", isLive: true, initRef: "init-a", codec: "mp4a.40.2", samplerate: 48000 };
const initDataList = [
  { id: "init-v", type: "inline", data: "AAAAGA==" },
  { id: "init-a", type: "inline", data: "AAAB" },
];

test("a catalog's CMAF tracks with their headers", () => {
  const tracks = parse({ version: "draft-01", tracks: [video, audio], initDataList });
  assert.deepEqual(tracks.map(({ name, kind, mime }) => ({ name, kind, mime })), [
    { name: "v", kind: "video", mime: 'video/mp4; codecs="avc1.4D401F"' },
    { name: "a", kind: "audio", mime: 'audio/mp4; codecs="mp4a.40.2"' },
  ]);
  assert.deepEqual(tracks[0]?.header, Uint8Array.of(0, 0, 0, 24));
});

test("tracks that cannot be played are left out", () => {
  const others = [{ ...video, packaging: "loc" }, { ...video, role: "subtitle" }, { ...video, initRef: "gone" }, { ...audio, codec: 5 }];
  assert.deepEqual(parse({ version: "draft-01", tracks: others, initDataList }), []);
});

test("what is no whole catalog is refused", () => {
  const bad = [{ deltaUpdate: true, tracks: [] }, { tracks: {} }, { tracks: [1] }, [], null, "x"];
  for (const catalog of bad) {
    assert.throws(() => parse(catalog), CatalogError, JSON.stringify(catalog));
  }
  assert.throws(() => parse({ tracks: [video], initDataList: [{ ...initDataList[0], data: "!" }] }), CatalogError);
  assert.throws(() => parse({ tracks: Array(300).fill(video) }), CatalogError);
  assert.throws(() => parseCatalog(Uint8Array.of(0xff, 0xfe)), CatalogError);
  assert.throws(() => parseCatalog(new Uint8Array(2 << 20)), CatalogError);
});

