import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Bytes } from "../src/swarm/beacon.ts";
import { PeerType } from "../src/swarm/codes.ts";
import { Exchange } from "../src/swarm/exchange.ts";
import type { Report } from "../src/swarm/policy/action.ts";
import type { Mode, ViewerMessage, Welcome } from "../src/swarm/sessionmessage.ts";
import { Broadcast } from "./broadcast.ts";
import { FakeConnection, createFake, fakeIdentity } from "./fakertc.ts";

const params = { delay: 1000, subs: 4, depth: 4, gapPull: 150, hedgeStart: 200, hedgeMin: 120, hedgeMax: 400, share: 0.4, capFactor: 2, cap: 12e6 };
const identities = [fakeIdentity("a"), fakeIdentity("b")];
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

interface Side {
  readonly exchange: Exchange;
  readonly sent: ViewerMessage[];
  readonly chunks: Map<string, Bytes>;
  readonly reports: Report[];
  readonly states: string[];
  uploaded: number;
}

const sides: Side[] = [];
after(() => sides.forEach(({ exchange }) => exchange.stop("ended")));

/** Viewer 1 or 2; the edge passes signals on to the other one. */
function viewer(number: 1 | 2, broadcast: Broadcast, other: () => Side, mode: Mode = "on"): Side {
  const welcome: Welcome = { t: "welcome", peer: number, mode, reason: "", control: false, swarm: 0, ice: [], ask: "ask", lan: true, params };
  const sent: ViewerMessage[] = [];
  const chunks = new Map<string, Bytes>();
  const reports: Report[] = [];
  const states: string[] = [];
  const side: Side = {
    sent,
    chunks,
    reports,
    states,
    uploaded: 0,
    exchange: new Exchange(
      { namespace: "live/cam1", track: "video", welcome, identity: identities[number - 1]!, keys: broadcast.keys },
      {
        send: (message) => {
          sent.push(message);
          if (message.t === "signal") {
            queueMicrotask(() => other().exchange.take({ ...message, peer: number }));
          }
        },
        onBeacon: () => undefined,
        onChunk: (group, chunk, payload) => chunks.set(`${group}/${chunk}`, payload),
        onReport: (report) => reports.push(report),
        onState: (its, reason) => states.push(`${its} ${reason}`.trim()),
        onUpload: (bytes) => (side.uploaded += bytes),
        onBroken: (reason) => states.push(reason),
        due: () => undefined,
        serverNow: () => Date.now(),
        roundTrip: () => 5,
      },
      createFake,
    ),
  };
  sides.push(side);
  return side;
}

function introduce(one: Side, two: Side): void {
  const candidate = { role: "parent", near: true, prefix: 0, asn: 0, token: "pair" } as const;
  one.exchange.take({ t: "candidates", peers: [{ ...candidate, peer: 2, offer: true, fingerprint: identities[1]!.fingerprint }] });
  two.exchange.take({ t: "candidates", peers: [{ ...candidate, peer: 1, offer: false, fingerprint: identities[0]!.fingerprint }] });
}

const sum = (reports: readonly Report[], field: "peerBytes" | "edgeBytes" | "uploadBytes") => reports.reduce((all, each) => all + each[field], 0);
const maskOf = ({ sent }: Side) => sent.filter((message) => message.t === "feed").at(-1)?.subs ?? 0;

/** Chunks come as time passes, however slow this machine is: microseconds. */
const mediaTime = () => Math.round(performance.now() * 1000);

/** What each viewer's own mask asks for is brought by the edge; the rest is the peers'. */
async function stream(broadcast: Broadcast, viewers: readonly Side[], seconds: number, start: number): Promise<Map<string, Bytes>> {
  const payloads = new Map<string, Bytes>();
  for (let i = start; i < start + seconds * 10; i++) {
    const [group, chunk] = [1 + Math.floor(i / 10), i % 10];
    const made = await broadcast.chunk(group, chunk, 2 * chunk, 6000, 3000, mediaTime());
    payloads.set(`${group}/${chunk}`, made.payload);
    for (const side of viewers) {
      side.exchange.takeRawBeacon(made.beacon);
    }
    await sleep(20);
    for (const side of viewers) {
      made.pieces.forEach((bytes, index) => {
        const n = 2 * chunk + index;
        const sub = ((group % 4) + n + Math.floor(n / 4)) % 4;
        if ((maskOf(side) >> sub) & 1) {
          side.exchange.takeEdgePiece({ g: group, n }, bytes, false);
        }
      });
    }
    await sleep(80);
  }
  return payloads;
}

/** Viewer 1 feeds viewer 2, and from some time on hands it other messages of a type. */
async function pollute(type: number): Promise<void> {
  const broadcast = await Broadcast.create();
  const one: Side = viewer(1, broadcast, () => two);
  const two: Side = viewer(2, broadcast, () => one);
  introduce(one, two);
  await sleep(50);
  assert.ok(one.sent.some((message) => message.t === "link" && message.state === "open"), JSON.stringify(one.sent));
  assert.ok(two.exchange.peers.links.get(1)?.isOpen);
  one.exchange.begin(1);
  two.exchange.begin(1);
  const early = await stream(broadcast, [one, two], 5, 0);
  for (const sub of [0, 1, 2, 3]) {
    two.exchange.take({ t: "assign", sub, peer: 1, child: 0 });
  }
  const fed = await stream(broadcast, [one, two], 3, 50);
  assert.ok(two.exchange.parents.filter((parent) => parent === 1).length >= 1, `parents ${two.exchange.parents}`);
  assert.ok(sum(two.reports, "peerBytes") > 10_000, "from its peer");
  assert.ok(sum(one.reports, "uploadBytes") > 10_000 && one.uploaded > 10_000);

  const pieces = FakeConnection.all.flatMap(({ channels }) => channels).filter(({ label }) => label === "pieces");
  pieces.forEach((channel) => {
    channel.tamper = (data) => {
      if (data[0] === type) {
        data[data.length - 1]! ^= 1;
      }
      return data.buffer;
    };
  });
  const polluted = await stream(broadcast, [one, two], 2, 80);
  const accusation = two.sent.find((message) => message.t === "invalid");
  assert.ok(accusation?.t === "invalid" && accusation.peer === 1 && accusation.group > 8 && accusation.beacon !== "", "told with evidence");
  assert.equal(accusation.piece !== undefined, type === PeerType.Piece);
  assert.equal(two.exchange.peers.links.size, 0, "left");
  assert.ok(two.exchange.parents.every((parent) => parent === 0), `parents ${two.exchange.parents}`);
  const all = new Map([...early, ...fed, ...polluted]);
  for (const [name, payload] of two.chunks) {
    assert.deepEqual(payload, all.get(name), name);
  }
  assert.ok(two.chunks.size >= 0.9 * all.size, `${two.chunks.size} of ${all.size} chunks`);
}

test("one viewer feeds another; when its pieces are false it is left, and nothing of it is played", () => pollute(PeerType.Piece));

test("whose beacons are false is left and accused as well", () => pollute(PeerType.Beacon));

test("hedges are one message of a base and bits, and their answers count", async () => {
  const broadcast = await Broadcast.create();
  const alone: Side = viewer(1, broadcast, () => alone);
  alone.exchange.begin(1);
  await stream(broadcast, [alone], 1, 0);
  const made = await broadcast.chunk(2, 0, 0, 6000, 3000, mediaTime());
  alone.exchange.takeRawBeacon(made.beacon);
  // What comes after it says that the edge has passed it over.
  const later = await broadcast.chunk(2, 1, 2, 6000, 3000, mediaTime());
  alone.exchange.takeRawBeacon(later.beacon);
  later.pieces.forEach((bytes, n) => alone.exchange.takeEdgePiece({ g: 2, n: 2 + n }, bytes, false));
  await sleep(1300);
  const hedge = alone.sent.find((message) => message.t === "hedge");
  assert.ok(hedge?.t === "hedge" && hedge.group === 2 && hedge.n === 0, JSON.stringify(alone.sent));
  assert.equal(hedge.bits, Buffer.from([3]).toString("base64"));
  assert.ok(alone.exchange.hedges >= 1);
  made.pieces.forEach((bytes, n) => alone.exchange.takeEdgePiece({ g: 2, n }, bytes, true));
  alone.exchange.hedgeDone(hedge.id);
  await sleep(50);
  assert.deepEqual(alone.chunks.get("2/0"), made.payload);
});

test("an edge whose pieces are forged is left", async () => {
  const broadcast = await Broadcast.create();
  const side: Side = viewer(1, broadcast, () => side);
  side.exchange.begin(1);
  const made = await broadcast.chunk(1, 0, 0, 100, 100, 0);
  side.exchange.takeRawBeacon(made.beacon);
  await sleep(20);
  side.exchange.takeEdgePiece({ g: 1, n: 0 }, new Uint8Array(100), false);
  await sleep(20);
  assert.match(side.states.at(-1) ?? "", /not what was signed/);
});

/** Keeps the page from doing anything, as a slow machine does. */
function hold(milliseconds: number): void {
  for (const until = performance.now() + milliseconds; performance.now() < until; );
}

test("the way to the edge is measured by pings; what the page itself was late for is not", async () => {
  const broadcast = await Broadcast.create();
  const side: Side = viewer(1, broadcast, () => side);
  side.exchange.begin(1);
  const pings = () => side.sent.filter((message) => message.t === "ping");
  const known = () => side.exchange.viewer.hedger.rtt.value / 1000;
  const nextPing = async (): Promise<number> => {
    for (const before = pings().length; pings().length === before; ) {
      await sleep(10);
    }
    const last = pings().at(-1);
    return last?.t === "ping" ? last.id : 0;
  };
  let id = await nextPing();
  side.exchange.take({ t: "pong", id: id + 1 });
  assert.equal(known(), 5, "a guess by HTTP, and no ping of ours");
  await sleep(20);
  side.exchange.take({ t: "pong", id });
  while (known() === 5) {
    id = await nextPing(); // The machine was late by itself.
    await sleep(20);
    side.exchange.take({ t: "pong", id });
  }
  const measured = known();
  assert.ok(measured > 10 && measured < 1000, `${measured}`);

  id = await nextPing();
  hold(300);
  side.exchange.take({ t: "pong", id });
  assert.equal(known(), measured);
});
