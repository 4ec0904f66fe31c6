import assert from "node:assert/strict";
import { test } from "node:test";
import { AdaptiveTarget } from "../src/play/adaptivetarget.ts";

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 0.001, `${actual}, not ${expected}`);

function run(target: AdaptiveTarget, need: number | undefined, seconds: number): void {
  for (let i = 0; i < seconds * 10; i++) {
    target.update(need, 0.1);
  }
}

test("the target stays at 300 ms while nothing is known", () => {
  const target = new AdaptiveTarget();
  run(target, undefined, 60);
  near(target.value, 0.3);
});

test("it falls slowly to what is needed and a margin, and not below 150 ms", () => {
  const target = new AdaptiveTarget();
  run(target, 0.12, 1);
  near(target.value, 0.27);
  run(target, 0.12, 10);
  near(target.value, 0.2);
  run(target, 0.02, 10);
  near(target.value, 0.15);
});

test("it rises at once, and not above 300 ms", () => {
  const target = new AdaptiveTarget();
  run(target, 0.05, 10);
  target.update(0.13, 0.1);
  near(target.value, 0.21);
  target.update(0.9, 0.1);
  near(target.value, 0.3);
});

test("playback that stood widens the margin for a while, within bounds", () => {
  const target = new AdaptiveTarget();
  run(target, 0.05, 10);
  target.alarm();
  run(target, 0.05, 1);
  near(target.value, 0.178);
  run(target, 0.05, 30);
  near(target.value, 0.15);
  for (let i = 0; i < 9; i++) {
    target.alarm();
  }
  target.update(0.05, 0.1);
  near(target.value, 0.25);
});
