import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { CatalogTrack } from "../src/media/catalog.ts";
import { parseChunk } from "../src/media/chunk.ts";
import type { MediaSink } from "../src/media/sink.ts";
import { chunkOf } from "../src/media/standin.ts";
import type { Session, TrackRequest } from "../src/moqt/session.ts";
import type { TrackHandler } from "../src/moqt/subscription.ts";
import { TrackFeed } from "../src/play/trackfeed.ts";

const track: CatalogTrack = { name: "video", kind: "video", codec: "avc1", channels: 0, mime: "video/mp4", header: new Uint8Array() };

/** A chunk of 100 ms; groups are of ten. */
function chunk(group: number, object: number): Uint8Array<ArrayBuffer> {
  const decodeTime = BigInt(1000 * group + 100 * object);
  return chunkOf({ trackId: 1, decodeTime, duration: 100, composition: 0, data: Uint8Array.of(1), count: 1 });
}

function rig() {
  const played: string[] = [];
  const feed = new TrackFeed("video", {
    onProducer: () => undefined,
    onTrackEnd: () => undefined,
    onChunk: () => undefined,
    otherEnd: () => undefined,
    onCovered: () => undefined,
  });
  const buffer = {
    append: (data: Uint8Array) => {
      const time = Number(parseChunk(data)?.decodeTime ?? -1n);
      if (time >= 0) {
        played.push(`${Math.floor(time / 1000)}/${(time % 1000) / 100}`);
      }
    },
    noteRandomAccess: () => undefined,
  };
  feed.attach({ buffer: () => buffer } as unknown as MediaSink);
  const subscriptions: { request: TrackRequest; handler: TrackHandler; abandoned: number[]; ended: boolean }[] = [];
  const session = {
    subscribe: (request: TrackRequest, handler: TrackHandler) => {
      const subscription = { request, handler, abandoned: [] as number[], ended: false, abandonGroup: (g: number) => subscription.abandoned.push(g) };
      subscriptions.push(subscription);
      return subscription;
    },
    unsubscribe: (subscription: { ended: boolean }) => (subscription.ended = true),
  } as unknown as Session;
  feed.subscribe(session, ["live"], track);
  const plain = (group: number, ...objects: number[]) => {
    const handler = subscriptions.at(-1)!.handler;
    objects.forEach((object) => handler.onObject({ group, object, payload: chunk(group, object), status: 0 }));
  };
  const first = subscriptions[0]!;
  first.handler.onSubscribed({ alias: 1, largest: undefined });
  first.handler.onGroupOpen(1);
  return { feed, session, subscriptions, played, plain, first };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test("a track goes over to an inlet at a group's start, without a hole and without a chunk twice", (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  const { feed, session, played, plain, first } = rig();
  plain(1, ...range(0, 8));
  // The next group has begun by the subscription when its beacon comes.
  first.handler.onGroupOpen(2);
  plain(2, 0);
  const inlet = feed.divert(session, track, 2);
  inlet.open(2);
  assert.deepEqual(first.abandoned, [2]);
  inlet.push(2, 0, chunk(2, 0));
  inlet.push(2, 1, chunk(2, 1));
  plain(2, 1, 2);
  mock.timers.tick(300);
  assert.equal(first.ended, false, "the group before is still under way");
  plain(1, 8, 9);
  first.handler.onGroupEnd(1, true);
  first.handler.onGroupEnd(2, false);
  mock.timers.tick(300);
  assert.ok(first.ended);
  range(2, 10).forEach((object) => inlet.push(2, object, chunk(2, object)));
  inlet.end(2, true);
  inlet.open(3);
  inlet.push(3, 0, chunk(3, 0));
  assert.deepEqual(played, [...range(0, 10).map((o) => `1/${o}`), ...range(0, 10).map((o) => `2/${o}`), "3/0"]);
  assert.equal(feed.droppedGroups, 0);
  feed.subscribe(session, ["live"], track);
  assert.ok(feed.has(track), "the catalog's next word does not subscribe again");
});

test("a late piece holds the next group up, as long as its own group is open", () => {
  const { feed, session, played, plain, first } = rig();
  plain(1, ...range(0, 10));
  first.handler.onGroupEnd(1, true);
  const inlet = feed.divert(session, track, 2);
  inlet.open(2);
  inlet.push(2, 0, chunk(2, 0));
  inlet.open(3);
  inlet.push(3, 0, chunk(3, 0));
  feed.poll(performance.now() + 500, 1000);
  assert.equal(played.at(-1), "2/0");
  range(1, 10).forEach((object) => inlet.push(2, object, chunk(2, object)));
  inlet.end(2, true);
  assert.deepEqual(played.slice(-2), ["2/9", "3/0"]);
});

test("the subscription takes over again from the very next chunk", () => {
  const { feed, session, subscriptions, played, plain, first } = rig();
  plain(1, ...range(0, 10));
  first.handler.onGroupEnd(1, true);
  const inlet = feed.divert(session, track, 2);
  inlet.open(2);
  range(0, 5).forEach((object) => inlet.push(2, object, chunk(2, object)));
  inlet.push(2, 6, chunk(2, 6));
  feed.rejoin(session, ["live"], track);
  const again = subscriptions.at(-1)!;
  assert.deepEqual(again.request.from, { group: 2, object: 5 });
  again.handler.onSubscribed({ alias: 2, largest: { group: 2, object: 6 } });
  // What was under way by the inlet may still come, too.
  inlet.push(2, 5, chunk(2, 5));
  again.handler.onGroupOpen(2);
  plain(2, ...range(5, 10));
  again.handler.onGroupEnd(2, true);
  again.handler.onGroupOpen(3);
  plain(3, 0);
  assert.deepEqual(played.slice(10), [...range(0, 10).map((o) => `2/${o}`), "3/0"]);
  assert.equal(feed.droppedGroups, 0);
});

test("a new connection subscribes as if there had been no inlet", () => {
  const { feed, session, subscriptions } = rig();
  feed.divert(session, track, 2);
  feed.reset();
  feed.subscribe(session, ["live"], track);
  assert.equal(subscriptions.length, 2);
  assert.equal(subscriptions[1]!.request.from, undefined);
});
