import assert from "node:assert/strict";
import { test } from "node:test";
import { BeaconTrack } from "../src/swarm/beacontrack.ts";
import { ChunkFeed } from "../src/swarm/chunkfeed.ts";
import { Figures } from "../src/swarm/figures.ts";
import { LiveEdge } from "../src/swarm/liveedge.ts";
import { type Situation, agentOf, allowedBy, hiddenPatience, stricter } from "../src/swarm/situation.ts";
import { EdgePings } from "../src/swarm/edgepings.ts";
import { Punctuality } from "../src/swarm/punctuality.ts";
import { UplinkMeter } from "../src/swarm/uplink.ts";

const home: Situation = { net: "wifi", saveData: false, lowBattery: false, hidden: false };

test("what a viewer's own side allows", () => {
  const allowed = (more: Partial<Situation>, hiddenFor = 0, left = 1) => {
    const { mode, reason } = allowedBy("granted", { ...home, ...more }, hiddenFor, left);
    return `${mode} ${reason}`;
  };
  assert.equal(allowed({}), "on null");
  assert.equal(allowed({ net: "cellular" }), "receive cellular");
  assert.equal(allowed({ saveData: true }), "edge saveData");
  assert.equal(allowed({ lowBattery: true }), "edge battery");
  assert.equal(allowed({ hidden: true }, 1), "receive hidden");
  assert.equal(allowed({ hidden: true }, hiddenPatience), "edge hidden");
  assert.equal(allowed({}, 0, 0), "receive budget");
  assert.deepEqual(allowedBy("unset", home, 0, 1), { mode: "edge", reason: "consent" });
  assert.deepEqual(allowedBy("denied", home, 0, 1), { mode: "edge", reason: "consent" });
  const small = { mode: "edge", reason: "small" } as const;
  assert.equal(stricter({ mode: "receive", reason: "cellular" }, small), small);
  assert.deepEqual(stricter({ mode: "edge", reason: "consent" }, small), { mode: "edge", reason: "consent" });
});

test("browsers are told apart", () => {
  assert.equal(agentOf("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"), "chromium");
  assert.equal(agentOf("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15"), "safari");
  assert.equal(agentOf("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "firefox");
  assert.equal(agentOf("curl/8"), "other");
});

/** Bursts of so many bytes each 400 ms leave at a rate, from a time on. */
function drain(meter: UplinkMeter, rate: number, burst: number, from: number, until: number): void {
  let queued = 0;
  for (let now = from; now < until; now += 40) {
    const sent = (Math.floor(now / 400) + 1) * burst;
    queued += now % 400 === 0 ? burst : 0;
    meter.sample(now, sent, queued);
    queued = Math.max(0, queued - (rate / 8000) * 40);
  }
}

const near = (value: number, wanted: number) => assert.ok(Math.abs(value - wanted) < wanted / 8, `${value} where about ${wanted} is right`);

test("the uplink is what drains while something waits; without a queue nothing is known", () => {
  const slow = new UplinkMeter(0.4);
  drain(slow, 2e6, 60_000, 0, 10_000); // The line is busy for 60 % of the time.
  near(slow.estimate, 2e6);
  const fast = new UplinkMeter(0.4);
  drain(fast, 8e6, 150_000, 0, 10_000);
  near(fast.estimate, 8e6);
  const unlimited = new UplinkMeter(0.4);
  for (let now = 0; now <= 5000; now += 40) {
    unlimited.sample(now, now * 100, now % 400 === 0 ? 4000 : 0);
  }
  assert.equal(unlimited.estimate, 0);
});

test("bursts that drain slowly, now and then, do not make a line slower", () => {
  const meter = new UplinkMeter(0.4);
  drain(meter, 2e6, 32_000, 0, 10_000);
  assert.equal(meter.estimate, 0, "nothing is known");
  drain(meter, 8e6, 150_000, 10_000, 20_000);
  drain(meter, 2e6, 32_000, 20_000, 80_000);
  near(meter.estimate, 8e6);
  drain(meter, 2e6, 100_000, 80_000, 120_000);
  near(meter.estimate, 2e6); // It is busy all the time.
});

test("the live edge moves with the beacons, and is unknown when they stop", () => {
  const edge = new LiveEdge();
  assert.equal(edge.edge(0), undefined);
  for (let now = 0; now <= 5000; now += 100) {
    edge.note(1000 + now / 1000 - (now % 200 === 0 ? 0 : 0.04), now);
  }
  const at = edge.edge(5050) ?? 0;
  assert.ok(Math.abs(at - 1005.03) < 0.015, `${at}`);
  assert.equal(edge.edge(6100), undefined);
  edge.note(2000, 6200);
  assert.equal(edge.edge(6200), 2000, "a new timeline counts at once");
});

test("pictures that others refer to are needed earlier", () => {
  const edge = new LiveEdge();
  const none = edge.lead;
  edge.noteChunk(1, 1.12);
  edge.noteChunk(1.04, 1.04);
  assert.ok(Math.abs(edge.lead - none - 0.12) < 1e-9);
});

test("offload is the share of peers in the last ten seconds", () => {
  const figures = new Figures();
  assert.equal(figures.offload(0), null);
  const counters = { lateBytes: 1, duplicateBytes: 2, invalidPieces: 0, stalls: 0, lag: [], queue: 0, uplink: 0, slots: 0, peers: [] };
  figures.addPlain(1000, 0);
  figures.add({ ...counters, peerBytes: 800, edgeBytes: 100, hedgeBytes: 100, uploadBytes: 500 }, 9000);
  assert.equal(figures.offload(9500), 0.4);
  assert.equal(figures.offload(10_500), 0.8);
  assert.equal(figures.rate("upload", 9500), 2000);
  assert.deepEqual([figures.totals.edgeBytes, figures.totals.hedgeBytes, figures.totals.lateBytes], [1200, 100, 1]);
});

function inlet() {
  const log: string[] = [];
  const feed = new ChunkFeed({
    open: (group) => log.push(`open ${group}`),
    push: (group, object) => log.push(`${group}/${object}`),
    end: (group, complete) => log.push(`end ${group} ${complete}`),
  });
  return { log, feed };
}

test("a group ends with its last chunk, whichever that is", () => {
  const { log, feed } = inlet();
  const none = new Uint8Array();
  feed.open(1);
  feed.push(1, 1, none);
  feed.open(1);
  feed.end(1, 2);
  feed.push(1, 0, none);
  feed.open(2);
  feed.push(2, 0, none);
  feed.end(2, 1);
  assert.deepEqual(log, ["open 1", "1/1", "1/0", "end 1 true", "open 2", "2/0", "end 2 true"]);
  for (let group = 3; group < 30; group++) {
    feed.open(group);
  }
  assert.ok(log.includes("end 3 false") && !log.includes("end 20 false"));
});

test("the end of a group of beacons tells how many chunks it has", () => {
  const log: string[] = [];
  const track = new BeaconTrack({
    onBeacon: (raw) => log.push(`beacon ${raw[0]}`),
    onGroup: (group, total) => log.push(`group ${group} of ${total}`),
    onEnd: () => log.push("end"),
  });
  const push = (group: number, object: number) => track.onObject({ group, object, payload: Uint8Array.of(object), status: 0 });
  push(1, 0);
  push(1, 1);
  track.onGroupEnd(1, true);
  push(2, 0);
  track.onGroupEnd(2, false);
  track.onEnd();
  push(3, 0);
  assert.deepEqual(log, ["beacon 0", "beacon 1", "group 1 of 2", "beacon 0", "end"]);
});

test("what is pushed to peers makes pings frequent", () => {
  const pings = new EdgePings();
  const sent: number[] = [];
  for (let now = 0; now < 12_000; now += 20) {
    if (now === 6000) {
      pings.notePush(now);
    }
    if (pings.due(now) !== undefined) {
      sent.push(now);
    }
  }
  assert.deepEqual(sent, [0, 5000, 6000, 6500, 7000, 7500]);
  assert.deepEqual([pings.answered(6), pings.answered(6)], [7500, undefined]);
});

test("a page knows since when it was held up", () => {
  const punctuality = new Punctuality();
  for (const now of [0, 40, 80, 200, 240, 280]) {
    punctuality.tick(now);
  }
  assert.ok(punctuality.lateSince(150, 290), "between 80 and 200");
  assert.ok(!punctuality.lateSince(210, 290));
  assert.ok(punctuality.lateSince(285, 400), "the next tick has not come yet");
});
