import assert from "node:assert/strict";
import { test } from "node:test";
import { TrackBuffer } from "../src/media/trackbuffer.ts";
import { FakeSourceBuffer } from "./fakes.ts";

function bench(playhead = 10) {
  const source = new FakeSourceBuffer();
  const errors: Error[] = [];
  const buffer = new TrackBuffer(source as unknown as SourceBuffer, () => playhead, (error) => errors.push(error));
  return { source, errors, buffer };
}

const quota = () => new DOMException("full", "QuotaExceededError");

test("operations go in one after the other, appends in a row as one", () => {
  const { source, buffer } = bench();
  buffer.append(Uint8Array.of(1));
  buffer.append(Uint8Array.of(2));
  buffer.append(Uint8Array.of(3, 4));
  buffer.changeType("video/mp4");
  buffer.append(Uint8Array.of(5));
  assert.equal(source.mode, "segments");
  assert.deepEqual(source.log, ["append 1"]);
  source.finish();
  assert.deepEqual(source.log, ["append 1", "append 2 3 4"]);
  source.finish();
  assert.deepEqual(source.log.slice(2), ["type video/mp4", "append 5"]);
});

test("a full buffer gives up what was played, in whole groups, and takes the media then", () => {
  const { source, errors, buffer } = bench(10);
  source.ranges = [[1, 14]];
  for (const time of [1, 4, 9, 11]) {
    buffer.noteRandomAccess(time);
  }
  source.refusal = quota();
  buffer.append(Uint8Array.of(7));
  assert.deepEqual(source.log, ["remove 1 9"]);
  source.ranges = [[9, 14]];
  source.finish();
  assert.deepEqual(source.log, ["remove 1 9", "append 7"]);
  assert.deepEqual(errors, []);
});

test("a full buffer with nothing to give up is reported, once", () => {
  const { source, errors, buffer } = bench(10);
  source.ranges = [[9.8, 14]];
  buffer.noteRandomAccess(9.8);
  source.refusal = quota();
  buffer.append(Uint8Array.of(7));
  buffer.append(Uint8Array.of(8));
  assert.equal(errors[0]?.name, "QuotaExceededError");
  assert.equal(errors.length, 1);
  assert.deepEqual(source.log, []);
});

test("what is removed ends at a random access point: frames after it would go with it", () => {
  const { source, buffer } = bench();
  source.ranges = [[1, 30]];
  for (const time of [1, 11, 21]) {
    buffer.noteRandomAccess(time);
  }
  buffer.removeBefore(10.9);
  assert.deepEqual(source.log, []);
  buffer.removeBefore(15);
  assert.deepEqual(source.log, ["remove 1 11"]);
  buffer.removeBefore(29);
  buffer.removeBefore(29);
  source.ranges = [[11, 30]];
  source.finish();
  source.finish();
  assert.deepEqual(source.log.slice(1), ["remove 1 21"]);
});

test("more than the browser takes is an error, not memory without end", () => {
  const { errors, buffer } = bench();
  const megabytes = new Uint8Array(9 << 20);
  for (let i = 0; i < 7; i++) {
    buffer.append(megabytes);
  }
  assert.match(String(errors[0]?.message), /no more media/);
});

test("errors of the source are reported, and nothing after the close", () => {
  const { source, errors } = bench();
  source.dispatchEvent(new Event("error"));
  assert.match(String(errors[0]?.message), /could not read/);
  const other = bench();
  other.buffer.append(Uint8Array.of(1));
  other.buffer.append(Uint8Array.of(2));
  other.buffer.close();
  other.source.finish();
  other.source.dispatchEvent(new Event("error"));
  assert.deepEqual(other.source.log, ["append 1"]);
  assert.deepEqual(other.errors, []);
});
