import assert from "node:assert/strict";
import { test } from "node:test";
import type { Transport } from "../src/moqt/transport.ts";
import { Carriers } from "../src/play/carriers.ts";
import { NoMoqError } from "../src/play/connector.ts";
import type { Carrier } from "../src/play/stats.ts";

const info = { url: "https://host/moq", webSocketUrl: "wss://host/moq", certificateHashes: [], edges: [] };
const never = new AbortController().signal;

/** Openers of which some work, some do not, and some say nothing. */
function openers(works: Partial<Record<Carrier, "works" | "fails" | "silent">>) {
  const tried: Carrier[] = [];
  return {
    tried,
    supported: (carrier: Carrier) => works[carrier] !== undefined,
    open: (carrier: Carrier): Promise<Transport> => {
      tried.push(carrier);
      switch (works[carrier]) {
        case "works":
          return Promise.resolve({ close: () => undefined } as unknown as Transport);
        case "silent":
          return new Promise(() => undefined);
        default:
          return Promise.reject(new Error(carrier));
      }
    },
  };
}

const both = ["webtransport", "websocket"] as const;

test("WebTransport is taken where it works, and nothing else is tried", async () => {
  const o = openers({ webtransport: "works", websocket: "works" });
  assert.equal((await new Carriers(both, o).open(info, 5000, never)).carrier, "webtransport");
  assert.deepEqual(o.tried, ["webtransport"]);
});

test("WebSocket is taken where WebTransport fails, or where there is none", async () => {
  for (const webtransport of ["fails", undefined] as const) {
    const o = openers({ ...(webtransport ? { webtransport } : {}), websocket: "works" });
    assert.equal((await new Carriers(both, o).open(info, 5000, never)).carrier, "websocket");
  }
});

test("who drops UDP says nothing: WebSocket is tried beside it, and first the next time", async () => {
  const o = openers({ webtransport: "silent", websocket: "works" });
  const carriers = new Carriers(both, o);
  assert.equal((await carriers.open(info, 5000, never)).carrier, "websocket");
  assert.equal((await carriers.open(info, 5000, never)).carrier, "websocket");
  assert.deepEqual(o.tried, ["webtransport", "websocket", "websocket"]);
});

test("what the server does not offer is not tried", async () => {
  const o = openers({ websocket: "works" });
  const { webSocketUrl, ...older } = info;
  assert.ok(webSocketUrl);
  await assert.rejects(new Carriers(both, o).open(older, 5000, never), NoMoqError);
  await assert.rejects(new Carriers(["websocket"], openers({ webtransport: "works" })).open(info, 5000, never), NoMoqError);
  assert.deepEqual(o.tried, []);
});
