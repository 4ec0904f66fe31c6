import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { CatalogTrack, Kind } from "../src/media/catalog.ts";
import { parseChunk } from "../src/media/chunk.ts";
import { firstSample } from "../src/media/firstsample.ts";
import { silence } from "../src/media/silence.ts";
import type { MediaSink } from "../src/media/sink.ts";
import { type Run, chunkOf } from "../src/media/standin.ts";
import type { Session } from "../src/moqt/session.ts";
import type { TrackHandler } from "../src/moqt/subscription.ts";
import { ObjectStatus } from "../src/moqt/codes.ts";
import { TrackFeed } from "../src/play/trackfeed.ts";

const timescale = 1000;
const sample = Uint8Array.of(1, 2, 3, 4, 5);

/** moov with nothing but a timescale. */
function header(): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  const path = ["moov", "trak", "mdia", "mdhd"];
  path.forEach((name, i) => bytes.push(0, 0, 0, 24 + 8 * (path.length - i), ...Buffer.from(name)));
  bytes.push(...Array<number>(12).fill(0), 0, 0, timescale >> 8, timescale & 255, ...Array<number>(8).fill(0));
  return Uint8Array.from(bytes);
}

function feedOf(kind: Kind) {
  const appended: Uint8Array[] = [];
  const randomAccess: number[] = [];
  const buffer = {
    append: (data: Uint8Array) => appended.push(data),
    noteRandomAccess: (time: number) => randomAccess.push(time),
  };
  const other = { end: 0, losses: 0 };
  const feed = new TrackFeed(kind, {
    onProducer: () => undefined,
    onTrackEnd: () => undefined,
    onChunk: () => undefined,
    otherEnd: () => other.end,
    onCovered: () => other.losses++,
  });
  feed.attach({ buffer: () => buffer } as unknown as MediaSink);
  let handler: TrackHandler | undefined;
  const session = { subscribe: (_: unknown, its: TrackHandler) => void (handler = its) } as unknown as Session;
  const codec = kind === "audio" ? "mp4a.40.2" : "avc1.42C01E";
  const track: CatalogTrack = { name: kind, kind, codec, channels: 2, mime: `${kind}/mp4`, header: header() };
  feed.subscribe(session, ["live"], track);
  const send = (group: number, object: number, decodeTime: number, run: Partial<Run> = {}) => {
    const all = { trackId: 1, decodeTime: BigInt(decodeTime), duration: 40, composition: 0, data: sample, count: 1 };
    const payload = chunkOf({ ...all, ...run });
    handler?.onObject({ group, object, payload, status: ObjectStatus.Normal } as Parameters<TrackHandler["onObject"]>[0]);
  };
  /** Decode time and duration of what went in since the last call. */
  const times = () => appended.splice(0).flatMap((data) => {
    const chunk = parseChunk(data);
    return chunk ? [[Number(chunk.decodeTime), chunk.duration]] : [];
  });
  return { feed, other, send, times, appended, randomAccess };
}

const later = (milliseconds: number) => performance.now() + milliseconds;

test("video that stays away for a second is stood in for as far as the sound goes", () => {
  const { feed, other, send, times, appended } = feedOf("video");
  send(1, 0, 5000, { composition: 80 });
  send(1, 1, 5040, { data: Uint8Array.of(9) });
  times();
  other.end = 6.08;
  feed.coverAbsence(later(900), 5);
  feed.coverAbsence(later(1100), 4);
  assert.deepEqual(times(), [], "too early, or enough is buffered");
  feed.coverAbsence(later(1100), 5);
  const standIn = firstSample(appended[0]!);
  assert.deepEqual([standIn?.data, standIn?.composition, standIn?.samples], [sample, 80, 20]);
  assert.deepEqual(times(), [[5080, 1000]]);
  assert.equal(other.losses, 1);
  feed.coverAbsence(later(1200), 5.9);
  assert.deepEqual(times(), [], "nothing new to cover");
});

test("behind a stand-in pictures wait for the next group, and a hole before that is filled", () => {
  const { feed, other, send, times, randomAccess } = feedOf("video");
  send(1, 0, 5000);
  other.end = 6.04;
  feed.coverAbsence(later(1100), 5);
  times();
  send(1, 1, 6050);
  assert.deepEqual(times(), []);
  other.end = 6.4;
  send(2, 0, 6240);
  feed.poll(later(500), 100);
  assert.deepEqual(times(), [[6040, 200], [6240, 40]]);
  send(2, 1, 6280);
  assert.deepEqual(times(), [[6280, 40]]);
  assert.deepEqual(randomAccess, [5, 6.24]);
});

test("a hole within a group is left: the pictures behind it refer to those before", () => {
  const { other, send, times } = feedOf("video");
  send(1, 0, 5000);
  other.end = 9;
  send(1, 1, 5500);
  assert.deepEqual(times(), [[5000, 40], [5500, 40]]);
});

test("where both kinds are missing nothing stands in: the hole is jumped over", () => {
  const { feed, other, send, times } = feedOf("video");
  send(1, 0, 5000);
  other.end = 5.04;
  feed.coverAbsence(later(5000), 5);
  send(2, 0, 6000);
  feed.poll(later(500), 100);
  assert.deepEqual(times(), [[5000, 40], [6000, 40]]);
});

test("a long absence is covered at its end only", () => {
  const { feed, other, send, times } = feedOf("video");
  send(1, 0, 5000);
  times();
  other.end = 65;
  feed.coverAbsence(later(60_000), undefined);
  assert.deepEqual(times(), [[62_000, 3000]]);
});

test("silence stands in for sound, in frames as long as the track's", () => {
  const { feed, other, send, times, appended } = feedOf("audio");
  send(1, 0, 5000, { duration: 20, count: 2 });
  times();
  other.end = 6.035;
  feed.coverAbsence(later(1100), 5);
  assert.deepEqual(firstSample(appended[0]!)?.data, silence("mp4a.40.2", 2));
  assert.deepEqual(times(), [[5040, 1000]]);
  other.end = 7;
  send(1, 1, 6090, { duration: 20 });
  assert.deepEqual(times(), [[6040, 60], [6090, 20]]);
});

test("there is no silence for what is unknown", () => {
  assert.equal(silence("ac-3", 2), undefined);
  assert.equal(silence("mp4a.40.2", 7), undefined);
  // ffmpeg 5.1 decodes each of the AAC frames as digital silence.
  assert.equal(Buffer.from(silence("mp4a.40.2", 1)!).toString("hex"), "00000007");
  assert.equal(Buffer.from(silence("mp4a.40.2", 6)!).toString("hex"), "00000001080000000023000000000c000000e0");
});

test("ffmpeg's first sample is found, and damage is survived", () => {
  const file = new Uint8Array(readFileSync("test/testdata/two-fragments.mp4"));
  const found = firstSample(file);
  // An access unit of H.264 in one piece: NAL units with lengths of four bytes.
  assert.ok(found && found.data.length > 8 && found.samples === 1 && found.trackId === 1);
  const view = new DataView(found.data.buffer, found.data.byteOffset, found.data.byteLength);
  let offset = 0;
  while (offset + 4 <= found.data.length) {
    offset += 4 + view.getUint32(offset);
  }
  assert.equal(offset, found.data.length);
  for (let length = 0; length < file.length; length += 7) {
    firstSample(file.subarray(0, length));
  }
});

test("a brief hole is filled in any case: a seek costs more", () => {
  const { feed, other, send, times } = feedOf("audio");
  other.end = 5.04;
  send(1, 0, 5000);
  send(2, 0, 5120);
  feed.poll(later(500), 100);
  assert.deepEqual(times(), [[5000, 40], [5040, 80], [5120, 40]]);
});
