import assert from "node:assert/strict";
import { test } from "node:test";
import type { Bytes } from "../src/swarm/beacon.ts";
import { Intake } from "../src/swarm/intake.ts";
import { Broadcast } from "./broadcast.ts";

async function rig() {
  const broadcast = await Broadcast.create();
  const log: string[] = [];
  const chunks: Bytes[] = [];
  const clock = { now: 0 };
  const intake = new Intake(
    { namespace: "live/cam1", track: "video", delay: 1000 },
    {
      onBeacon: ({ group, chunk }) => log.push(`beacon ${group}/${chunk}`),
      onGenuine: ({ from, id }) => log.push(`genuine ${id.g}/${id.n} from ${from}`),
      onForged: ({ from, id }) => log.push(`forged ${id.g}/${id.n} from ${from}`),
      onFalseBeacon: (from) => log.push(`false beacon from ${from}`),
      onChunk: (group, chunk, payload) => {
        log.push(`chunk ${group}/${chunk}`);
        chunks.push(payload);
      },
    },
    () => Date.now(),
    () => clock.now,
  );
  await intake.setKeys(broadcast.keys);
  return { broadcast, intake, log, chunks, clock };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

test("verified pieces make a chunk, whoever brought them in whatever order", async () => {
  const { broadcast, intake, log, chunks } = await rig();
  const { beacon, pieces, payload } = await broadcast.chunk(5, 0, 0, 250, 100, 1000);
  await intake.takeBeacon(0, beacon);
  await intake.take({ from: 3, id: { g: 5, n: 2 }, bytes: pieces[2]!, hedged: false });
  await intake.take({ from: 0, id: { g: 5, n: 0 }, bytes: pieces[0]!, hedged: true });
  await intake.take({ from: 0, id: { g: 5, n: 0 }, bytes: pieces[0]!, hedged: false });
  await intake.take({ from: 4, id: { g: 5, n: 1 }, bytes: pieces[1]!, hedged: false });
  assert.deepEqual(log, ["beacon 5/0", "genuine 5/2 from 3", "genuine 5/0 from 0", "genuine 5/0 from 0", "genuine 5/1 from 4", "chunk 5/0"]);
  assert.deepEqual(chunks, [payload]);
  assert.deepEqual(intake.get({ g: 5, n: 1 })?.bytes, pieces[1]);
});

test("a piece that is not what was signed is told, and neither kept nor played", async () => {
  const { broadcast, intake, log } = await rig();
  const { beacon, pieces } = await broadcast.chunk(5, 0, 0, 100, 100, 1000);
  await intake.takeBeacon(0, beacon);
  const forged = pieces[0]!.slice();
  forged[50]! ^= 1;
  await intake.take({ from: 3, id: { g: 5, n: 0 }, bytes: forged, hedged: false });
  await intake.take({ from: 3, id: { g: 5, n: 0 }, bytes: pieces[0]!.slice(1), hedged: false });
  assert.deepEqual(log, ["beacon 5/0", "forged 5/0 from 3", "forged 5/0 from 3"]);
  assert.equal(intake.get({ g: 5, n: 0 }), undefined);
});

test("a piece waits for its beacon for as long as it may be displayed", async () => {
  const { broadcast, intake, log, clock } = await rig();
  const one = await broadcast.chunk(5, 0, 0, 100, 100, 1000);
  const two = await broadcast.chunk(5, 1, 1, 100, 100, 2000);
  await intake.take({ from: 3, id: { g: 5, n: 0 }, bytes: one.pieces[0]!, hedged: false });
  await intake.take({ from: 3, id: { g: 5, n: 1 }, bytes: two.pieces[0]!, hedged: false });
  clock.now = 1990;
  intake.tick();
  await intake.takeBeacon(0, one.beacon);
  await settle();
  clock.now = 2010;
  intake.tick();
  await intake.takeBeacon(0, two.beacon);
  await settle();
  assert.deepEqual(log, ["beacon 5/0", "genuine 5/0 from 3", "chunk 5/0", "beacon 5/1"]);
});

test("a beacon of another packager counts for nothing, and its bringer is told of", async () => {
  const { broadcast, intake, log } = await rig();
  const { beacon } = await broadcast.chunk(5, 0, 0, 100, 100, 1000);
  const forged = beacon.slice();
  forged[forged.length - 1]! ^= 1;
  await intake.takeBeacon(3, forged);
  await intake.takeBeacon(0, forged);
  await intake.takeBeacon(3, beacon);
  await intake.takeBeacon(4, beacon);
  assert.deepEqual(log, ["false beacon from 3", "beacon 5/0"]);
});

test("beacons of a key that is not known yet wait for the next catalog", async () => {
  const { intake, log } = await rig();
  const next = await Broadcast.create();
  const { beacon } = await next.chunk(6, 0, 0, 100, 100, 1000);
  await intake.takeBeacon(0, beacon);
  assert.deepEqual(log, []);
  await intake.setKeys(next.keys);
  assert.deepEqual(log, ["beacon 6/0"]);
});

test("what is kept is bounded in time", async () => {
  const { broadcast, intake } = await rig();
  const old = await broadcast.chunk(5, 0, 0, 100, 100, 1_000_000);
  const recent = await broadcast.chunk(5, 1, 1, 100, 100, 7_000_000);
  for (const [n, { beacon, pieces }] of [old, recent].entries()) {
    await intake.takeBeacon(0, beacon);
    await intake.take({ from: 0, id: { g: 5, n }, bytes: pieces[0]!, hedged: false });
  }
  assert.equal(intake.get({ g: 5, n: 0 }), undefined);
  assert.ok(intake.get({ g: 5, n: 1 }));
});
