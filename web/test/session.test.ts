import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageType } from "../src/moqt/codes.ts";
import { readMessages } from "../src/moqt/controlstream.ts";
import { Session } from "../src/moqt/session.ts";
import type { TrackHandler } from "../src/moqt/subscription.ts";
import type { BidirectionalStream, Transport } from "../src/moqt/transport.ts";
import { StreamReader } from "../src/wire/streamreader.ts";
import { ascii, fromHex } from "./helpers.ts";

/** The server's side of a transport, by hand. */
class FakeServer implements Transport {
  closeInfo: { closeCode?: number; reason?: string } | undefined;
  readonly control: Uint8Array[] = [];
  readonly requests: FakeRequest[] = [];
  readonly closed: Promise<unknown>;
  readonly incomingUnidirectionalStreams: ReadableStream<ReadableStream<Uint8Array>>;
  readonly incomingBidirectionalStreams: ReadableStream<BidirectionalStream>;
  private lose: (error: Error) => void = () => undefined;
  private uni: ReadableStreamDefaultController<ReadableStream<Uint8Array>> | undefined;
  private bidi: ReadableStreamDefaultController<BidirectionalStream> | undefined;

  constructor() {
    this.closed = new Promise((_, reject) => (this.lose = reject));
    this.incomingUnidirectionalStreams = new ReadableStream({ start: (controller) => void (this.uni = controller) });
    this.incomingBidirectionalStreams = new ReadableStream({ start: (controller) => void (this.bidi = controller) });
  }

  createUnidirectionalStream(): Promise<WritableStream<Uint8Array>> {
    return Promise.resolve(new WritableStream({ write: (bytes) => void this.control.push(bytes) }));
  }

  createBidirectionalStream(): Promise<BidirectionalStream> {
    const request = new FakeRequest();
    this.requests.push(request);
    return Promise.resolve(request);
  }

  close(info?: { closeCode?: number; reason?: string }): void {
    this.closeInfo = info;
    this.lose(new Error("closed"));
  }

  /** Loses the connection. */
  drop(): void {
    this.lose(new Error("gone"));
  }

  /** Opens a stream with these bytes, which stays open. */
  send(hex: string): ReadableStreamDefaultController<Uint8Array> {
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    this.uni?.enqueue(new ReadableStream<Uint8Array>({ start: (c) => void (controller = c) }));
    assert.ok(controller);
    controller.enqueue(fromHex(hex));
    return controller;
  }

  ask(): FakeRequest {
    const request = new FakeRequest();
    this.bidi?.enqueue(request);
    return request;
  }
}

class FakeRequest implements BidirectionalStream {
  readonly written: Uint8Array[] = [];
  cancelled = false;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  private answers: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor() {
    this.writable = new WritableStream({ write: (bytes) => void this.written.push(bytes) });
    this.readable = new ReadableStream({
      start: (controller) => void (this.answers = controller),
      cancel: () => void (this.cancelled = true),
    });
  }

  answer(hex: string): void {
    this.answers?.enqueue(fromHex(hex));
  }

  end(): void {
    this.answers?.close();
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

async function rig() {
  const server = new FakeServer();
  const goaways: string[] = [];
  const log: string[] = [];
  const session = await Session.start(server, { implementation: "t", onGoaway: ({ uri }) => goaways.push(uri) });
  const handler: TrackHandler = {
    onSubscribed: (ok) => log.push(`ok ${ok.largest?.group}`),
    onObject: ({ group, object, payload }) => log.push(`${group}/${object} ${new TextDecoder().decode(payload)}`),
    onGroupOpen: (group) => log.push(`open ${group}`),
    onGroupEnd: (group, complete) => log.push(`end ${group} ${complete}`),
    onJoined: (complete) => log.push(`joined ${complete}`),
    onEnd: (end) => log.push(end.kind),
  };
  const subscription = session.subscribe({ namespace: ["n"], track: "t", priority: 1 }, handler);
  await settle();
  return { server, session, subscription, goaways, log };
}

// SUBSCRIBE_OK, alias 5, largest {100, 1}.
const subscribeOk = "04 0006 05 01 09 8064 01";
const frames = `00 01 ${ascii("c")} 00 01 ${ascii("d")}`;

test("a track is joined: SETUP, SUBSCRIBE and FETCH go out together", async () => {
  const { server, log } = await rig();
  assert.deepEqual(server.control, [fromHex(`af00 0003 07 01 ${ascii("t")}`)]);
  assert.equal(server.requests[0]?.written[0]?.[0], MessageType.Subscribe);
  assert.equal(server.requests[1]?.written[0]?.[0], MessageType.Fetch);
  server.requests[0].answer(subscribeOk);
  server.send(`05 02 1c 8064 00 80 01 ${ascii("a")} 00 01 ${ascii("b")}`).close();
  server.send(`38 05 8064 02 01 ${ascii("c")}`).close();
  await settle();
  assert.deepEqual(log.slice(0, 1), ["ok 100"]);
  assert.deepEqual(log.slice(1).sort(), ["100/0 a", "100/1 b", "100/2 c", "end 100 true", "joined true", "open 100"]);
});

test("data that overtakes its SUBSCRIBE_OK waits for it", async () => {
  const { server, log } = await rig();
  server.send(`30 05 8064 ${frames}`);
  await settle();
  assert.deepEqual(log, []);
  server.requests[0]?.answer(subscribeOk);
  await settle();
  assert.deepEqual(log, ["ok 100", "open 100", "100/0 c", "100/1 d"]);
});

test("a reset ends its group alone, and is told", async () => {
  const { server, log } = await rig();
  server.requests[0]?.answer(subscribeOk);
  const stream = server.send(`30 05 8064 ${frames}`);
  await settle();
  stream.error(new Error("reset"));
  server.send(`30 05 8065 ${frames}`);
  await settle();
  assert.deepEqual(log.slice(4), ["end 100 false", "open 101", "101/0 c", "101/1 d"]);
  assert.equal(server.closeInfo, undefined);
});

test("a FETCH that overtook its SUBSCRIBE is sent once more", async () => {
  const { server, log } = await rig();
  server.requests[1]?.answer("05 0003 32 00 00");
  await settle();
  assert.equal(server.requests[2]?.written[0]?.[0], MessageType.Fetch);
  server.requests[0]?.answer(subscribeOk);
  await settle();
  server.requests[2].answer("05 0003 11 00 00");
  await settle();
  assert.deepEqual(log, ["ok 100", "joined false"]);
});

test("rejection, end of track, and a lost connection each say so once", async () => {
  const rejected = await rig();
  rejected.server.requests[0]?.answer("05 0003 10 00 00");
  const done = await rig();
  done.server.requests[0]?.answer(`${subscribeOk} 0b 0003 02 00 00`);
  done.server.requests[0]?.end();
  const lost = await rig();
  lost.server.drop();
  await settle();
  assert.deepEqual(rejected.log, ["rejected"]);
  assert.deepEqual(done.log, ["ok 100", "done"]);
  assert.deepEqual(lost.log, ["lost"]);
  assert.equal(await lost.session.closed, "connection lost: gone");
});

test("GOAWAY on the control stream is handed on", async () => {
  const { server, goaways } = await rig();
  server.send(`af00 0000 10 0006 03 ${ascii("a:b")} 00 00`);
  await settle();
  assert.deepEqual(goaways, ["a:b"]);
});

test("violations close the session with the code of the draft", async () => {
  const violations: ((server: FakeServer) => void)[] = [
    (server) => server.send("01"),
    (server) => server.send("16 05 00"),
    (server) => server.send("af00 0000 03 0000"),
    (server) => server.send("af00 0000").close(),
    (server) => server.requests[0]?.answer(`${subscribeOk} ${subscribeOk}`),
    (server) => server.requests[0]?.answer("18 0000"),
  ];
  for (const [i, violate] of violations.entries()) {
    const { server, log } = await rig();
    violate(server);
    await settle();
    assert.equal(server.closeInfo?.closeCode, 0x3, `violation ${i}`);
    assert.equal(log.at(-1), "lost");
  }
});

test("padding is read and forgotten, unknown tracks are refused", async () => {
  const { server } = await rig();
  const padding = server.send("f0132b3e28 0000");
  padding.enqueue(new Uint8Array(1000));
  padding.close();
  server.send("05 7e 00");
  await settle();
  assert.equal(server.closeInfo, undefined);
});

test("what the server asks is answered with NOT_SUPPORTED", async () => {
  const { server } = await rig();
  const request = server.ask();
  await settle();
  assert.ok(request.written[0]);
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(request.written[0] ?? new Uint8Array());
      controller.close();
    },
  });
  for await (const { type, payload } of readMessages(new StreamReader(stream))) {
    assert.equal(type, MessageType.RequestError);
    assert.equal(payload[0], 0x3);
  }
});

test("unsubscribing gives the requests up, and late streams with them", async () => {
  const { server, session, subscription, log } = await rig();
  server.requests[0]?.answer(subscribeOk);
  await settle();
  session.unsubscribe(subscription);
  server.send(`30 05 8064 ${frames}`);
  await settle();
  assert.ok(server.requests[0]?.cancelled && server.requests[1]?.cancelled);
  assert.deepEqual(log, ["ok 100"]);
});
