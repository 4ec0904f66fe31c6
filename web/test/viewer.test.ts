// The browser's policy is the gateway's: relay/swarm/testdata/viewer holds lives of
// viewers, which both replay.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { encodeBase64 } from "../src/swarm/base64.ts";
import type { Event } from "../src/swarm/policy/event.ts";
import { Viewer } from "../src/swarm/policy/viewer.ts";

const folder = "../relay/swarm/testdata/viewer";

interface Vector {
  readonly about: string;
  readonly seed: number;
  readonly steps: readonly { readonly now: number; readonly event: Record<string, unknown>; readonly actions: unknown[] }[];
}

/** Go leaves out what is zero. */
const zeros = {
  peer: 0,
  self: 0,
  child: 0,
  sub: 0,
  id: { g: 0, n: 0 },
  ids: [],
  sizes: [],
  size: 0,
  count: 0,
  hedged: false,
  pts: 0,
  offset: 0,
  delay: 0,
  rtt: 0,
  rate: 0,
  have: [],
  candidates: [],
  reason: "",
};

function eventOf(event: Record<string, unknown>): Event {
  const have = ((event["have"] ?? []) as { g: number; n: number; bits: string }[]).map((map) => ({
    ...map,
    bits: Uint8Array.from(Buffer.from(map.bits, "base64")),
  }));
  const candidates = ((event["candidates"] ?? []) as object[]).map((each) => ({ standby: false, offer: false, near: false, prefix: 0, asn: 0, ...each }));
  return { ...zeros, ...event, have, candidates } as unknown as Event;
}

/** Without what is zero, as Go writes it. */
function bare(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return encodeBase64(value);
  }
  if (Array.isArray(value)) {
    return value.map(bare);
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, each]) => [key, bare(each)] as const);
    return Object.fromEntries(entries.filter(([, each]) => !isZero(each)));
  }
  return value;
}

function isZero(value: unknown): boolean {
  const empty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return value === undefined || value === null || value === 0 || value === "" || value === false || empty;
}

const files = readdirSync(folder).filter((file) => file.endsWith(".json"));

test("there are lives to replay", () => assert.ok(files.length >= 5, `${files.length}`));

for (const file of files) {
  const vector = JSON.parse(readFileSync(`${folder}/${file}`, "utf8")) as Vector;
  test(`${file}: ${vector.about}`, () => {
    const viewer = new Viewer(vector.seed);
    vector.steps.forEach(({ now, event, actions }, i) => {
      const done = viewer.step(now, eventOf(event)).map(bare);
      assert.deepEqual(done, actions.map(bare), `step ${i}, ${String(event["kind"])} at ${now}`);
    });
  });
}
