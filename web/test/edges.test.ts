import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Connector, NoMoqError } from "../src/play/connector.ts";
import { Edges } from "../src/play/edges.ts";
import { positionOf } from "../src/play/position.ts";
import { firstOf } from "../src/play/race.ts";
import type { ServerInfo } from "../src/play/server.ts";
import { Silence } from "../src/play/silence.ts";
import { random } from "./helpers.ts";

const a = "https://a:4443";
const b = "https://b:4443";
const c = "https://c:4443";

test("edges are tried in turn, the one that failed as the last", () => {
  const edges = new Edges(a, [b, `${c}/live/cam1/`], () => 0.99);
  assert.deepEqual(edges.all, [a, b, c]);
  edges.failed(a);
  assert.equal(edges.current, b);
  assert.deepEqual(edges.others, [c, a]);
  edges.use(c);
  assert.deepEqual(edges.all, [c, b, a]);
  edges.use("https://stranger");
  edges.failed("https://stranger");
  assert.deepEqual(edges.all, [c, b, a]);
  assert.equal(edges.home, a);
});

test("what is no web address is no edge, and their number is bounded", () => {
  const edges = new Edges(a, ["", "b:4443/x", "ftp://b", "javascript:alert(1)", a, `${a}/other`]);
  assert.deepEqual(edges.all, [a]);
  edges.add(Array.from({ length: 100 }, (_, i) => `https://edge-${i}`));
  assert.equal(edges.all.length, 16);
  assert.equal(edges.current, a);
});

test("the viewers of a lost edge are spread over all others", () => {
  const next = random(7);
  const counts = new Map<string, number>();
  for (let i = 0; i < 3000; i++) {
    const edges = new Edges(a, [], next);
    edges.add([b, c, "https://d"]);
    edges.failed(a);
    counts.set(edges.current, (counts.get(edges.current) ?? 0) + 1);
  }
  for (const origin of [b, c, "https://d"]) {
    const share = (counts.get(origin) ?? 0) / 3000;
    assert.ok(Math.abs(share - 1 / 3) < 0.05, `${origin} gets ${share}`);
  }
});

/** Attempts that end when the test says so. */
class Attempts {
  readonly log: string[] = [];
  readonly disposed: string[] = [];
  private readonly pending = new Map<string, { resolve: (r: string) => void; reject: (e: Error) => void }>();
  readonly stop = new AbortController();

  run(candidates: string[], headStart = 20) {
    return firstOf<string, string>({
      candidates,
      headStart,
      signal: this.stop.signal,
      attempt: (candidate, signal) => {
        this.log.push(candidate);
        signal.addEventListener("abort", () => this.log.push(`no ${candidate}`));
        return new Promise((resolve, reject) => this.pending.set(candidate, { resolve, reject }));
      },
      dispose: (result) => void this.disposed.push(result),
    });
  }

  succeed(candidate: string): void {
    this.pending.get(candidate)?.resolve(`session at ${candidate}`);
  }

  fail(candidate: string): void {
    this.pending.get(candidate)?.reject(new Error(`${candidate} is gone`));
  }
}

/** Time stands still but for what it returns, which lets it pass. */
function standStill(t: TestContext): (milliseconds: number) => Promise<void> {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  return async (milliseconds) => {
    await setImmediate();
    t.mock.timers.tick(milliseconds);
    await setImmediate();
  };
}

test("the next candidate is tried at once behind a failure, and beside a slow one", async (t) => {
  const pass = standStill(t);
  const attempts = new Attempts();
  const race = attempts.run(["a", "b", "c"]);
  attempts.fail("a");
  await pass(19);
  assert.deepEqual(attempts.log, ["a", "b"]);
  await pass(1);
  assert.deepEqual(attempts.log, ["a", "b", "c"]);
  attempts.succeed("b");
  assert.deepEqual(await race, { candidate: "b", result: "session at b" });
  attempts.succeed("c");
  await pass(0);
  assert.deepEqual(attempts.disposed, ["session at c"]);
  assert.deepEqual(attempts.log.slice(3), ["no a", "no b", "no c"]);
});

test("a failure beside a slower attempt starts nothing twice", async (t) => {
  const pass = standStill(t);
  const attempts = new Attempts();
  const race = attempts.run(["a", "b", "c"]);
  await pass(25);
  attempts.fail("a");
  await pass(10);
  assert.deepEqual(attempts.log, ["a", "b"]);
  attempts.fail("b");
  await pass(0);
  attempts.fail("c");
  await assert.rejects(race, /a is gone/);
});

test("a race that is stopped, or has nobody in it, ends", async (t) => {
  const pass = standStill(t);
  const attempts = new Attempts();
  const race = attempts.run(["a", "b"]);
  attempts.stop.abort();
  await assert.rejects(race, /stopped/);
  attempts.succeed("a");
  await pass(30);
  assert.deepEqual(attempts.disposed, ["session at a"]);
  assert.deepEqual(attempts.log, ["a", "no a"]);
  await assert.rejects(attempts.run(["a"]), /stopped/);
  await assert.rejects(new Attempts().run([]), /nobody/);
});

/** Edges that are up or down, and what was asked of them. */
class FakeEdges {
  readonly opened: string[] = [];
  readonly down = new Set<string>();
  /** Answer questions, and give no sessions. */
  readonly mute = new Set<string>();
  readonly without = new Set<string>();

  connector(edges: Edges, token = ""): Connector<string> {
    return new Connector<string>(edges, token, {
      ask: (origin) => this.ask(origin),
      open: (info) => this.open(info),
      close: () => undefined,
    });
  }

  private ask(origin: string): Promise<ServerInfo | undefined> {
    if (this.down.has(origin)) {
      return Promise.reject(new Error("connection refused"));
    }
    const info = { url: `${origin}/moq`, certificateHashes: [origin], edges: [a, b, c] };
    return Promise.resolve(this.without.has(origin) ? undefined : info);
  }

  private open(info: ServerInfo): Promise<string> {
    const { url } = info;
    this.opened.push(url);
    const { origin } = new URL(url);
    return this.down.has(origin) || this.mute.has(origin) ? Promise.reject(new Error("no session")) : Promise.resolve(url);
  }
}

const { signal } = new AbortController();

test("a session goes to the edge that serves, and elsewhere when that one is gone", async () => {
  const fakes = new FakeEdges();
  const edges = new Edges(a, [], () => 0.99);
  const connector = fakes.connector(edges, "tok");
  assert.deepEqual(await connector.open(signal), { session: `${a}/moq?token=tok`, origin: a });
  assert.deepEqual(edges.all, [a, b, c]);
  fakes.down.add(a);
  assert.deepEqual(await connector.open(signal), { session: `${b}/moq?token=tok`, origin: b });
  assert.equal(edges.current, b);
  fakes.mute.add(b);
  assert.equal((await connector.open(signal)).origin, c);
});

test("where GOAWAY leads becomes the edge that serves, if it can be asked", async () => {
  const edges = new Edges(a);
  const connector = new FakeEdges().connector(edges);
  await connector.open(signal);
  assert.deepEqual(await connector.openElsewhere("https://d/moq", signal), { session: "https://d/moq", origin: "https://d" });
  assert.equal(edges.current, "https://d");
  assert.equal((await connector.openElsewhere("", signal)).origin, "https://d");
});

test("where GOAWAY leads is dialled over WebSocket, too, with the token", async () => {
  const dialled: ServerInfo[] = [];
  const connector = new Connector<string>(new Edges(a), "tok", {
    ask: (origin) => Promise.resolve({ url: `${origin}/moq`, webSocketUrl: `${origin.replace("http", "ws")}/moq`, certificateHashes: [], edges: [] }),
    open: (info) => {
      dialled.push(info);
      return Promise.resolve("session");
    },
    close: () => undefined,
  });
  await connector.openElsewhere("https://d/moq", signal);
  assert.equal(dialled.at(-1)?.webSocketUrl, "wss://d/moq?token=tok");
});

test("where GOAWAY leads is dialled with the known certificates when it cannot be asked", async () => {
  const edges = new Edges(a);
  const dialled: ServerInfo[] = [];
  let up = true;
  const connector = new Connector<string>(edges, "", {
    ask: (origin) => (origin === a && up ? Promise.resolve({ url: `${a}/moq`, certificateHashes: ["h"], edges: [] }) : Promise.reject(new Error("certificate"))),
    open: (info) => {
      dialled.push(info);
      return Promise.resolve(info.url);
    },
    close: () => undefined,
  });
  await connector.open(signal);
  assert.deepEqual(await connector.openElsewhere("https://private/moq", signal), { session: "https://private/moq", origin: undefined });
  assert.deepEqual(dialled.at(-1)?.certificateHashes, ["h"]);
  assert.deepEqual(edges.all, [a]);
  up = false;
  assert.deepEqual(await connector.open(signal), { session: "https://private/moq", origin: undefined });
});

test("no MoQ at the edge that serves is no MoQ", async () => {
  const fakes = new FakeEdges();
  fakes.without.add(a);
  await assert.rejects(fakes.connector(new Edges(a)).open(signal), NoMoqError);
  fakes.down.add(b);
  await assert.rejects(fakes.connector(new Edges(a, [b])).open(signal), NoMoqError);
  fakes.down.add(a);
  await assert.rejects(fakes.connector(new Edges(a, [b])).open(signal), /refused/);
});

test("silence is what is longer than usual, and is doubted less and less often", () => {
  const silence = new Silence();
  assert.equal(silence.doubtful(10_000), false);
  let now = 0;
  for (; now < 5000; now += 100) {
    silence.note(now);
    assert.equal(silence.doubtful(now + 99), false);
  }
  const last = now - 100;
  const doubts: number[] = [];
  for (; now < last + 20_000; now += 100) {
    if (silence.doubtful(now)) {
      doubts.push(now - last);
    }
  }
  assert.deepEqual(doubts, [300, 1300, 3300, 7300, 15_300]);
  silence.note(now);
  assert.equal(silence.brokenSince(now - 1), true);
  assert.equal(silence.doubtful(now + 299), false, "a pause of the encoder is no habit");
  assert.equal(silence.doubtful(now + 300), true);
});

test("a stream of long chunks is given its time", () => {
  const silence = new Silence();
  let now = 0;
  for (; now < 10_000; now += 500) {
    silence.note(now);
  }
  const last = now - 500;
  assert.equal(silence.doubtful(last + 900), false);
  assert.equal(silence.doubtful(last + 1000), true);
  silence.reset();
  assert.equal(silence.doubtful(last + 5000), false);
});

test("a date is found in a playlist, or the live edge is asked for", () => {
  const fragments = [
    { start: 0, duration: 2, programDateTime: 100_000 },
    { start: 2, duration: 2, programDateTime: 102_000 },
  ];
  assert.equal(positionOf(100_500, fragments), 0.5);
  assert.equal(positionOf(103_999, fragments), 3.999);
  assert.equal(positionOf(99_980, fragments), 0);
  for (const date of [undefined, 99_000, 104_000, NaN]) {
    assert.equal(positionOf(date, fragments), -1);
  }
  assert.equal(positionOf(1, [{ start: 0, duration: 2, programDateTime: null }]), -1);
});
