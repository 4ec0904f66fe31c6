import assert from "node:assert/strict";
import { test } from "node:test";
import { withDefaults } from "../src/play/config.ts";
import { LiveControl } from "../src/play/livecontrol.ts";
import { FakeVideo } from "./fakes.ts";

const step = 0.1;

/** A control under way, ten ticks a second; media(now) is what is buffered then. */
function bench(ranges: [number, number][], pictureLead = 0, targetBuffer: number | "adaptive" = "adaptive") {
  const video = new FakeVideo();
  video.ranges = ranges;
  let starts = 0;
  let now = 0;
  const control = new LiveControl(
    video as unknown as HTMLVideoElement,
    withDefaults({ url: "http://127.0.0.1/live", targetBuffer }),
    () => starts++,
    () => (video.ranges.at(-1)?.[1] ?? 0) + pictureLead,
  );
  const tick = (live = true) => control.tick((now += step * 1000), live);
  /** Plays with media coming in at the given pace. */
  const run = (seconds: number, pace = 1) => {
    for (let i = 0; i < seconds / step; i++) {
      video.play(step);
      const last = video.ranges.at(-1);
      if (last) {
        last[1] += step * pace;
      }
      tick();
    }
  };
  return { video, control, tick, run, now: () => now, starts: () => starts };
}

const near = (actual: number | undefined, expected: number, message?: string) =>
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 0.02, `${message ?? ""} ${actual}, not ${expected}`);

test("playback starts once enough is buffered, near the edge", () => {
  const { video, tick, starts } = bench([[100, 100.1]]);
  tick();
  assert.equal(starts(), 0);
  video.ranges = [[90, 95], [100, 101]];
  tick();
  tick();
  assert.equal(starts(), 1);
  near(video.currentTime, 100.85);
});

test("the start is not before the range", () => {
  const { video, tick } = bench([[100, 100.21]]);
  tick();
  near(video.currentTime, 100.06);
  assert.ok(video.currentTime > 100);
});

test("more than 1.5 s behind, one jump returns to the target", () => {
  const { video, control, tick, run } = bench([[100, 101]]);
  run(2);
  const before = video.seeks.length;
  video.ranges = [[100, video.currentTime + 3.2]];
  tick();
  assert.equal(video.seeks.length, before + 1);
  near(video.ranges[0]![1] - video.seeks.at(-1)!, control.target - 0.01);
  run(3);
  assert.equal(control.jumps, 1);
});

test("a burst behind the start is no reason to crawl", () => {
  const { video, control, run } = bench([[100, 100.5]]);
  run(0.3);
  video.ranges[0]![1] += 0.8;
  run(0.5);
  assert.equal(control.jumps, 1);
  assert.ok(control.ahead < 0.4, `still ${control.ahead} ahead`);
});

test("less than that is made good by the rate alone", () => {
  const { video, control, run } = bench([[100, 101]]);
  run(2);
  video.ranges = [[100, video.currentTime + 1.4]];
  run(1);
  assert.equal(video.playbackRate, 1.08);
  run(25);
  assert.equal(control.jumps, 0);
  near(control.ahead, 0.3, "settled at");
});

test("sound that comes in steps does not hold the picture back, sound that is late does", () => {
  // Of the picture's lead 0.1 s counts; the rate leaves 0.03 s alone.
  for (const [lead, counted] of [[0, 0], [0.06, 0.06], [0.1, 0.1], [0.5, 0.1]] as const) {
    const { control, run } = bench([[100, 101]], lead);
    run(30);
    const held = control.ahead + counted;
    assert.ok(held > 0.265 && held < 0.335, `picture ${lead} s ahead of the sound: ${held} held`);
  }
});

test("a hole is jumped over as soon as there is media behind it", () => {
  const { video, control, run } = bench([[100, 101]]);
  run(0.2);
  run(1.5, 0);
  assert.equal(control.jumps, 0);
  const end = video.ranges[0]![1];
  video.ranges.push([end + 0.7, end + 0.8]);
  run(0.1);
  assert.equal(control.jumps, 1);
  near(video.currentTime, end + 0.71);
  run(2);
  assert.equal(control.jumps, 1);
});

test("a seek to where media has gone does not end the following", () => {
  const { video, control, run } = bench([[100, 101]]);
  run(1);
  video.currentTime = 150;
  assert.ok(video.seeking);
  video.ranges = [[151, 151.5]];
  run(1);
  assert.equal(control.jumps, 1);
  assert.equal(video.seeking, false);
  assert.ok(video.currentTime > 151.5, `stands at ${video.currentTime}`);
});

test("a seek within the media is left in peace", () => {
  const { video, control, tick } = bench([[100, 101]]);
  tick();
  video.ranges = [[100, 110]];
  video.seeking = true;
  tick();
  assert.equal(control.jumps, 0);
});

test("media that begins anew in the past is followed, into what is there", () => {
  const { video, control, run } = bench([[100, 101]]);
  run(1);
  video.ranges = [[50, 50.1]];
  run(0.1);
  assert.equal(control.jumps, 1);
  near(video.currentTime, 50.01);
});

test("while media stays away nothing is moved", () => {
  const { video, control, run } = bench([[100, 101]]);
  run(1);
  run(5, 0);
  assert.equal(control.jumps, 0);
  assert.equal(control.ahead, 0);
  assert.equal(control.stalls.count, 1);
  video.paused = true;
  video.ranges[0]![1] += 9;
  run(1);
  assert.equal(control.jumps, 0);
});

test("late media raises the target, calm lowers it, lost media leaves it", () => {
  const { control, run } = bench([[100, 101]]);
  run(1);
  run(1, 0);
  run(0.5, 2);
  near(control.target, 0.4);
  run(10);
  near(control.target, 0.35);
  run(1, 0);
  control.noteLoss();
  run(0.5, 2);
  assert.equal(control.stalls.count, 2);
  near(control.target, 0.345);
});

test("a new source starts anew", () => {
  const { video, control, run, starts } = bench([[100, 101]]);
  run(1);
  control.restart();
  assert.equal(control.started, false);
  video.ranges = [[200, 201]];
  run(0.1);
  assert.equal(starts(), 2);
});

/**
 * Plays pictures of 0.1 s that come in order and late by so many ticks; returns
 * the lowest and the highest rate on the way.
 */
function stream({ video, control, run, now }: ReturnType<typeof bench>, seconds: number, lateness: (n: number) => number) {
  let [lowest, highest] = [Infinity, 0];
  let behind = 0;
  for (let n = 0; n < seconds / step; n++) {
    const late = lateness(n);
    // Nothing comes, or all that was held back.
    const count = late > behind ? 0 : 1 + behind - late;
    const end = video.ranges.at(-1)![1];
    for (let i = 0; i < count; i++) {
      control.noteArrival("video", end + i * step, end + i * step, now());
    }
    behind = late > behind ? behind + 1 : late;
    run(step, count);
    lowest = Math.min(lowest, video.playbackRate);
    highest = Math.max(highest, video.playbackRate);
  }
  return { lowest, highest };
}

test("on a steady network the buffer goes down by the rate alone, unseen and unheard", () => {
  const it = bench([[100, 101]]);
  it.run(3);
  near(it.control.target, 0.3);
  const { highest } = stream(it, 30, () => 0);
  near(it.control.target, 0.15);
  assert.ok(Math.abs(it.control.ahead - it.control.target) < 0.03, `${it.control.ahead} ahead`);
  assert.ok(highest <= 1.06, `rate ${highest}`);
  assert.deepEqual([it.control.jumps, it.control.stalls.count], [0, 0]);
});

test("late chunks raise the target at once, and the rate fills the buffer again without a jump", () => {
  const it = bench([[100, 101]]);
  it.run(3);
  stream(it, 30, () => 0);
  const { lowest } = stream(it, 5, (n) => (n % 10 === 0 ? 1 : 0));
  near(it.control.target, 0.18);
  assert.ok(lowest < 1 && lowest >= 0.95, `rate ${lowest}`);
  assert.deepEqual([it.control.jumps, it.control.stalls.count], [0, 0]);
  assert.ok((it.control.jitter(it.now()) ?? 0) > 0.09, `jitter ${it.control.jitter(it.now())}`);
});

test("a picture that was missing for a moment widens the margin, a fixed target does not move", () => {
  const it = bench([[100, 101]]);
  it.run(3);
  const unsteady = (n: number) => (n % 10 === 0 ? 1 : 0);
  stream(it, 30, unsteady);
  const before = it.control.target;
  it.video.readyState = 2;
  it.run(0.1);
  it.video.readyState = 4;
  stream(it, 0.5, unsteady);
  assert.ok(it.control.target > before + 0.04, `${it.control.target} after ${before}`);

  const fixed = bench([[100, 101]], 0, 250);
  fixed.run(3);
  stream(fixed, 30, unsteady);
  assert.equal(fixed.control.target, 0.25);
});

/** The live edge by a clock: it was at 101 when the bench began. */
const paceOf = (delay: number, lag = 0) => ({ delay, edge: (now: number) => 101 + now / 1000 + lag });

test("with a pace playback comes to its distance from the live edge, whatever is buffered", () => {
  const { video, control, run, now } = bench([[100, 101]]);
  run(3);
  control.pace = paceOf(1);
  assert.ok((control.lead ?? 0) > 0.5, `${control.lead}`);
  const rates = new Set<number>();
  for (let i = 0; i < 12; i++) {
    run(1);
    rates.add(video.playbackRate);
  }
  near(control.pace.edge(now())! - video.currentTime, 1, "behind the edge");
  near(control.lead, 0);
  assert.equal(Math.min(...rates), 0.9, "quickly, while it is far from it");
  assert.deepEqual([control.jumps, control.stalls.count], [0, 0]);
  // Pieces come late: the buffer is short, and playback stays where everybody's is.
  video.ranges = [[100, video.currentTime + 0.4]];
  run(5);
  near(control.pace.edge(now())! - video.currentTime, 1, "with a short buffer");
});

test("with a pace playback starts where it belongs, as far as there is media", () => {
  const { video, control, tick } = bench([[98, 101]]);
  control.pace = paceOf(1);
  tick();
  near(video.currentTime, 101 - 0.85);
});

test("without a pace the buffer counts again", () => {
  const { video, control, run } = bench([[98, 101]]);
  control.pace = paceOf(1);
  run(10);
  control.pace = undefined;
  assert.equal(control.lead, undefined);
  run(15);
  assert.ok((video.ranges.at(-1)?.[1] ?? 0) - video.currentTime < 0.45, "back near the edge");
  assert.equal(control.jumps, 0);
});

test("a live edge that nobody knows any more is no reason to hurry", () => {
  const { video, control, run } = bench([[98, 101]]);
  control.pace = { delay: 1, edge: () => undefined };
  run(5);
  const end = video.ranges.at(-1)?.[1] ?? 0;
  assert.ok(Math.abs(end - video.currentTime - 1) < 0.3, `${end - video.currentTime}`);
});

test("a stall before a full buffer is the machine's, one without media is not", () => {
  const stand = (buffered: number) => {
    const { video, control, tick, run } = bench([[100, 101]]);
    run(3);
    video.ranges = [[100, video.currentTime + buffered]];
    for (let i = 0; i < 5; i++) {
      tick();
    }
    return [control.stalls.count, control.dryStalls];
  };
  assert.deepEqual(stand(0.6), [1, 0]);
  assert.deepEqual(stand(0.05), [1, 1]);
});
