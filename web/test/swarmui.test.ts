import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { withDefaults } from "../src/play/config.ts";
import { UploadBudget } from "../src/swarm/budget.ts";
import { type Memory, SwarmSettings, type SwarmSettingsConfig } from "../src/swarm/settings.ts";
import { type SwarmPeer, swarmReasons } from "../src/swarm/stats.ts";
import { formatBytes, formatPercent } from "../src/ui/format.ts";
import { describe, layout } from "../src/ui/swarmpicture.ts";
import { reasonOf, swarmTexts } from "../src/ui/swarmtexts.ts";

/** A browser's storage, which may be full. */
class FakeMemory implements Memory {
  readonly kept = new Map<string, string>();
  full = false;

  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    if (this.full) {
      throw new DOMException("full", "QuotaExceededError");
    }
    this.kept.set(key, value);
  }
}

const config: SwarmSettingsConfig = { ...withDefaults({ url: "https://host/live/x/" }).swarm, operator: "https://host" };

test("without an answer there is no consent, and an answer is remembered for its operator only", () => {
  const memory = new FakeMemory();
  const settings = new SwarmSettings(config, memory);
  let changes = 0;
  settings.addEventListener("change", () => changes++);
  assert.equal(settings.consent, "unset");
  settings.consent = "granted";
  settings.consent = "granted";
  assert.equal(changes, 1);
  assert.equal(new SwarmSettings(config, memory).consent, "granted");
  assert.equal(new SwarmSettings({ ...config, operator: "https://other" }, memory).consent, "unset");
});

test("the viewer's answer counts more than the page's", () => {
  const memory = new FakeMemory();
  new SwarmSettings(config, memory).consent = "denied";
  assert.equal(new SwarmSettings({ ...config, consent: "granted" }, memory).consent, "denied");
  assert.equal(new SwarmSettings({ ...config, consent: "granted" }, new FakeMemory()).consent, "granted");
});

test("what is presumed holds until there is an answer, and is not remembered", () => {
  const memory = new FakeMemory();
  const settings = new SwarmSettings(config, memory);
  let changes = 0;
  settings.addEventListener("change", () => changes++);
  settings.presume("granted");
  assert.equal(settings.consent, "granted");
  assert.equal(new SwarmSettings(config, memory).consent, "unset");
  settings.consent = "denied";
  settings.presume("granted");
  assert.equal(settings.consent, "denied");
  assert.equal(changes, 2);
});

test("where nothing can be remembered the answer holds for the visit", () => {
  const memory = new FakeMemory();
  memory.full = true;
  for (const settings of [new SwarmSettings(config, memory), new SwarmSettings(config, undefined)]) {
    settings.consent = "granted";
    assert.equal(settings.consent, "granted");
  }
  memory.kept.set("freshet.swarm.https://host.consent", "perhaps");
  assert.equal(new SwarmSettings(config, memory).consent, "unset");
});

const hour = 3_600_000;

test("bytes are counted by the hour and by the day, over visits", () => {
  const memory = new FakeMemory();
  let now = 1_764_200_000_000;
  const visit = () => new UploadBudget({ hourly: 1000, daily: 2500 }, memory, "uploaded", () => now);
  const first = visit();
  assert.equal(first.left, 1000);
  first.spend(600);
  assert.equal(first.left, 400);
  first.save();
  const second = visit();
  second.spend(600);
  assert.equal(second.left, 0);
  second.save();
  assert.equal(visit().left, 0);
  now += hour + 600_000;
  assert.equal(visit().left, 1000);
  const third = visit();
  third.spend(1000);
  third.save();
  now += hour + 600_000;
  assert.equal(visit().left, 300, "the day's 2500 less 2200");
  now += 25 * hour;
  assert.equal(visit().left, 1000);
});

test("two tabs add up, and saving twice counts nothing twice", () => {
  const memory = new FakeMemory();
  const open = () => new UploadBudget({ hourly: 1000, daily: 0 }, memory, "uploaded", () => 5 * hour);
  const [a, b] = [open(), open()];
  a.spend(300);
  b.spend(200);
  a.save();
  a.save();
  b.save();
  assert.equal(b.left, 500);
  assert.equal(open().left, 500);
});

test("a budget works without storage, without limits, and with nonsense in the storage", () => {
  const memory = new FakeMemory();
  memory.kept.set("k", '[[1,"x"],[-5,3],[2],null,[1e400,1]]');
  assert.equal(new UploadBudget({ hourly: 10, daily: 10 }, memory, "k", () => hour).left, 10);
  memory.kept.set("k", "{");
  assert.equal(new UploadBudget({ hourly: 10, daily: 10 }, memory, "k", () => hour).left, 10);
  assert.equal(new UploadBudget({ hourly: 0, daily: 0 }, memory, "k").left, Infinity);
  memory.full = true;
  for (const budget of [new UploadBudget({ hourly: 10, daily: 0 }, memory, "k"), new UploadBudget({ hourly: 10, daily: 0 }, undefined, "k")]) {
    budget.spend(4);
    budget.save();
    budget.spend(1);
    budget.save();
    assert.equal(budget.left, 5);
  }
});

test("there is a sentence for every reason of the protocol", () => {
  const protocol = readFileSync("../docs/swarm-protocol.md", "utf8");
  const list = /Reasons of `mode`:([^]*?)\n\n/.exec(protocol)?.[1] ?? "";
  const words = [...list.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? "");
  assert.ok(words.length >= 15, `the protocol names ${words}`);
  assert.deepEqual([...words].sort(), [...swarmReasons].sort());
  for (const reason of swarmReasons) {
    const text = swarmTexts[reasonOf({ mode: "edge", reason, consent: "granted" })];
    assert.ok(text.endsWith(".") && text.length < 120, text);
  }
  assert.equal(reasonOf({ mode: "edge", reason: "consent", consent: "denied" }), "swarm-denied");
  assert.equal(reasonOf({ mode: "edge", reason: null, consent: "granted" }), "swarm-starting");
  assert.equal(reasonOf({ mode: "on", reason: null, consent: "granted" }), "swarm-on");
});

function peer(number: number, takes: number[], roundTrip: number | null = null): SwarmPeer {
  return { peer: number, state: "open", near: false, gives: [], takes, score: 0, roundTrip, received: 0, sent: 0 };
}

test("the picture has who feeds above and who is fed below, a line for each sub-stream", () => {
  const { nodes, links } = layout({ parents: [7, 0, 7, 9], peers: [peer(7, [], 24), peer(9, []), peer(12, [0, 2, 3]), peer(3, [])] });
  assert.deepEqual(
    nodes.map(({ id, label, kind }) => [id, label, kind]),
    [
      ["edge", "Server", "edge"],
      ["p7", "24 ms", "peer"],
      ["p9", "#9", "peer"],
      ["self", "You", "self"],
      ["c12", "#12", "peer"],
    ],
  );
  assert.deepEqual(
    links.map(({ from, to, sub, offset }) => [from.id, to.id, sub, offset]),
    [
      ["edge", "self", 1, 0],
      ["p7", "self", 0, -0.5],
      ["p7", "self", 2, 0.5],
      ["p9", "self", 3, 0],
      ["self", "c12", 0, -1],
      ["self", "c12", 2, 0],
      ["self", "c12", 3, 1],
    ],
  );
  assert.ok(nodes.every(({ x }) => x > 20 && x < 252));
});

test("many children are counted, and the picture is told in words", () => {
  const peers = Array.from({ length: 9 }, (_, i) => peer(i + 1, [i % 4]));
  const { nodes, links } = layout({ parents: [0, 0, 0, 0], peers });
  assert.equal(nodes.filter(({ id }) => id.startsWith("c")).length, 5);
  assert.equal(nodes.at(-1)?.label, "+4");
  assert.equal(links.length, 4 + 5);
  assert.equal(describe({ parents: [0, 1, 2, 0], peers: peers.slice(0, 1) }), "2 of 4 parts of the video come from other viewers; 1 viewer is fed from here.");
});

test("amounts are short", () => {
  assert.deepEqual([0, 812_400, 4_210_000, 1_340_000_000].map(formatBytes), ["0 kB", "812 kB", "4.2 MB", "1.34 GB"]);
  assert.equal(formatPercent(0.784), "78 %");
});
