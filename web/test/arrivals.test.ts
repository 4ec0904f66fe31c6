import assert from "node:assert/strict";
import { test } from "node:test";
import { Arrivals } from "../src/play/arrivals.ts";

const frame = 1 / 30;

/** Pictures and tenths of a second of sound for so many seconds; lateness in seconds. */
function feed(arrivals: Arrivals, from: number, seconds: number, lateness: (n: number) => number, reorder = 0): void {
  for (let n = 0; n * frame < seconds; n++) {
    const at = from + n * frame;
    const now = (at + lateness(n)) * 1000;
    arrivals.note("video", at - reorder, at, now);
    arrivals.noteEdge(at + frame, now);
    if (n % 3 === 2) {
      arrivals.note("audio", at - 0.1, at - 0.1, now);
    }
  }
}

const near = (actual: number | undefined, expected: number) =>
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 0.02, `${actual}, not ${expected}`);

test("too few arrivals say nothing", () => {
  const arrivals = new Arrivals();
  assert.equal(arrivals.jitter(5000), undefined);
  assert.equal(arrivals.need(5000), undefined);
  feed(arrivals, 10, 2, () => 0);
  assert.equal(arrivals.need(12_000), undefined);
});

test("on a steady network the sound's chunk has to be covered, what is taken ahead of it, and one picture", () => {
  const arrivals = new Arrivals();
  feed(arrivals, 10, 5, () => 0);
  near(arrivals.jitter(15_000), 0);
  near(arrivals.need(15_000), 0.17 + frame);
});

test("a track that ended is no longer waited for", () => {
  const arrivals = new Arrivals();
  feed(arrivals, 10, 5, () => 0);
  for (let now = 15_000; now < 26_000; now += 100) {
    arrivals.note("video", now / 1000, now / 1000, now);
    arrivals.noteEdge(now / 1000 + frame, now);
  }
  near(arrivals.need(26_000), frame);
  assert.equal(arrivals.need(60_000), undefined);
});

test("the latest chunk counts in full, and is forgotten after ten seconds", () => {
  const arrivals = new Arrivals();
  feed(arrivals, 10, 5, (n) => Math.max(0, n < 100 ? 0 : 0.25 - (n - 100) * frame));
  near(arrivals.jitter(15_000), 0.25);
  assert.ok((arrivals.need(15_000) ?? 0) > 0.23 + frame);
  feed(arrivals, 15, 11, () => 0);
  near(arrivals.jitter(26_000), 0);
  near(arrivals.need(26_000), 0.17 + frame);
});

test("pictures out of order are no jitter, and are needed for their display", () => {
  const arrivals = new Arrivals();
  for (let n = 0; n < 300; n++) {
    const now = n * frame;
    const display = now - (n % 3 === 0 ? 0 : 0.1);
    arrivals.note("video", now - 0.1, display, now * 1000);
    arrivals.noteEdge(now, now * 1000);
  }
  near(arrivals.jitter(10_000), 0);
  near(arrivals.need(10_000), 0.1);
});
