import assert from "node:assert/strict";
import { test } from "node:test";
import { Sequencer } from "../src/play/sequencer.ts";
import { random } from "./helpers.ts";

/** An item that is known to follow the one before it. */
const joint = "joint";

function rig() {
  const log: string[] = [];
  const sequencer = new Sequencer<string>({
    deliver: (item) => log.push(item),
    dropped: (group) => log.push(`dropped ${group}`),
    contiguous: (before, after) => after === joint && before.length > 0,
  });
  const push = (group: number, ...objects: number[]) => {
    for (const object of objects) {
      sequencer.push(group, object, `${group}/${object}`, 10, now);
    }
  };
  let now = 0;
  return { log, sequencer, push, at: (time: number) => (now = time) };
}

test("the joining group: its fetched beginning comes before what follows live", () => {
  const { log, sequencer, push } = rig();
  sequencer.join(7);
  sequencer.open(7);
  push(7, 2, 3);
  assert.deepEqual(log, []);
  push(7, 0, 1);
  assert.deepEqual(log, ["7/0", "7/1", "7/2", "7/3"]);
});

test("groups follow each other without a loss, streams overlapping", () => {
  const { log, sequencer, push } = rig();
  sequencer.join(undefined);
  sequencer.open(1);
  push(1, 0, 1);
  sequencer.open(2);
  push(2, 0, 1);
  push(1, 2);
  assert.deepEqual(log, ["1/0", "1/1", "1/2"]);
  sequencer.end(1, true, 0);
  assert.deepEqual(log, ["1/0", "1/1", "1/2", "2/0", "2/1"]);
});

test("a reset group is left when the next one begins, and counted once", () => {
  const { log, sequencer, push } = rig();
  sequencer.open(1);
  push(1, 0, 1);
  sequencer.end(1, false, 0);
  assert.deepEqual(log, ["1/0", "1/1"]);
  sequencer.open(2);
  push(2, 0);
  assert.deepEqual(log, ["1/0", "1/1", "dropped 1", "2/0"]);
});

test("a group whose end is late is left when the next one plainly follows", () => {
  const { log, sequencer, push } = rig();
  sequencer.open(1);
  push(1, 0);
  sequencer.push(2, 0, joint, 10, 0);
  assert.deepEqual(log, ["1/0", joint]);
  sequencer.end(1, true, 0);
  push(2, 1);
  assert.deepEqual(log, ["1/0", joint, "2/1"]);
});

test("a late group is given up when patience is out, its late objects forgotten", () => {
  const { log, sequencer, push, at } = rig();
  sequencer.open(1);
  push(1, 0);
  at(100);
  sequencer.open(2);
  push(2, 0);
  sequencer.drain(250, 200);
  assert.deepEqual(log, ["1/0"]);
  sequencer.drain(300, 200);
  push(1, 1);
  assert.deepEqual(log, ["1/0", "dropped 1", "2/0"]);
});

test("a group that never came counts as dropped after a moment for reordering", () => {
  const { log, sequencer, push, at } = rig();
  sequencer.open(1);
  push(1, 0);
  sequencer.end(1, true, 0);
  sequencer.open(3);
  push(3, 0);
  sequencer.drain(99, Infinity);
  assert.deepEqual(log, ["1/0"]);
  at(100);
  sequencer.drain(100, Infinity);
  assert.deepEqual(log, ["1/0", "dropped 2", "3/0"]);
});

test("a joining group without live objects is whole once fetched", () => {
  const { log, sequencer, push, at } = rig();
  sequencer.join(5);
  push(5, 0, 1);
  sequencer.joined(5, true, 0);
  sequencer.open(6);
  push(6, 0);
  at(100);
  sequencer.drain(100, Infinity);
  assert.deepEqual(log, ["5/0", "5/1", "6/0"]);
});

test("a joining fetch that fails leaves its group out", () => {
  const { log, sequencer, push } = rig();
  sequencer.join(5);
  sequencer.open(5);
  push(5, 4);
  sequencer.joined(5, false, 0);
  push(6, 0);
  assert.deepEqual(log, ["6/0"]);
});

test("after a reconnection delivery goes on behind the last object", () => {
  const { log, sequencer, push } = rig();
  sequencer.join(5);
  push(5, 0, 1, 2);
  sequencer.reset();
  sequencer.join(5);
  sequencer.open(5);
  push(5, 0, 1, 2, 3);
  sequencer.joined(5, true, 0);
  sequencer.end(5, true, 0);
  push(6, 0);
  assert.deepEqual(log, ["5/0", "5/1", "5/2", "5/3", "6/0"]);
  sequencer.reset();
  sequencer.join(8);
  push(8, 0);
  assert.deepEqual(log.slice(5), ["8/0"]);
});

test("a fetch of the group before brings what a change of connection left out", () => {
  const { log, sequencer, push } = rig();
  assert.equal(sequencer.resumable, false);
  sequencer.join(5);
  push(5, 0, 1);
  assert.equal(sequencer.resumable, true);
  sequencer.reset();
  sequencer.join(6, 1);
  sequencer.open(6);
  push(6, 1);
  push(5, 0, 1, 2);
  push(6, 0);
  sequencer.joined(6, true, 0, 1);
  assert.deepEqual(log.slice(2), ["5/2", "6/0", "6/1"]);
  // What was missed by more is not waited for.
  sequencer.reset();
  sequencer.join(8, 1);
  push(8, 0);
  assert.deepEqual(log.slice(5), ["8/0"]);
});

test("a track that follows on joins without disturbing the group before it", () => {
  const { log, sequencer, push } = rig();
  sequencer.join(1);
  sequencer.open(1);
  push(1, 0);
  sequencer.joined(1, true, 0);
  sequencer.join(2);
  push(2, 0);
  push(1, 1);
  sequencer.end(1, true, 0);
  assert.deepEqual(log, ["1/0", "1/1", "2/0"]);
});

test("a broadcast begun anew is no loss of a million groups", () => {
  const { log, sequencer, push, at } = rig();
  sequencer.open(1);
  push(1, 0);
  sequencer.end(1, true, 0);
  push(1_000_000, 0);
  at(200);
  sequencer.drain(200, Infinity);
  assert.deepEqual(log, ["1/0", "1000000/0"]);
});

test("what a hostile server sends out of order is bounded", () => {
  const { sequencer } = rig();
  const next = random(3);
  for (let i = 0; i < 20_000; i++) {
    const group = Math.floor(next() * (i < 10_000 ? 8 : 1e6));
    sequencer.open(group);
    sequencer.push(group, 1 + Math.floor(next() * 1e6), "x", 16 << 10, i);
    assert.ok(sequencer.bytes <= 33 << 20, `${sequencer.bytes} bytes`);
  }
});
