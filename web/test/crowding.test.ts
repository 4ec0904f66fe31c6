import assert from "node:assert/strict";
import { test } from "node:test";
import { Crowding, fullMessage } from "../src/play/crowding.ts";

const [a, b] = ["https://a", "https://b"];

test("a full server is asked again when it said, within bounds and not by all at once", () => {
  const even = new Crowding(() => 0.5);
  assert.equal(even.note(a, 10_000, 0), 10_000);
  assert.equal(even.note(a, undefined, 0), 10_000);
  assert.equal(even.note(a, 1, 0), 1000);
  assert.equal(even.note(a, 86_400_000, 0), 60_000);
  assert.equal(new Crowding(() => 0).note(a, 10_000, 0), 7500);
  assert.equal(new Crowding(() => 1).note(undefined, 10_000, 0), 12_500);
});

test("other edges are tried until all have said that they are full, and again after that", () => {
  const crowding = new Crowding(() => 0.5);
  assert.ok(!crowding.roomElsewhere([], 0));
  crowding.note(a, 10_000, 0);
  assert.ok(crowding.roomElsewhere([b], 0));
  crowding.note(b, 10_000, 1000);
  assert.ok(!crowding.roomElsewhere([a], 1000));
  assert.ok(crowding.roomElsewhere([a], 10_000));
});

test("people are told when", () => {
  assert.match(fullMessage(9100), /in 10 s/);
});
