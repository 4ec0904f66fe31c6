import assert from "node:assert/strict";
import { test } from "node:test";
import { streamError } from "../src/moqt/transport.ts";
import { QmuxConnection } from "../src/qmux/connection.ts";
import { type Frame, FrameType, encodeClose, encodeFrame, encodeParameters, encodeStream, parseParameters, parseRecord } from "../src/qmux/frame.ts";
import { QmuxStreamError } from "../src/qmux/streams.ts";
import { concat } from "../src/wire/writer.ts";

const unhex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
/** Lets promises that can settle do so. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

// What @moq/qmux 0.3.3, which is not ours, makes of frames.
const vectors: [string, string, Partial<Frame>][] = [
  ["STREAM", "0e07412c0568656c6c6f", { type: FrameType.Stream, stream: 7, offset: 300, data: bytes("hello") }],
  ["STREAM with FIN", "0f020000", { type: FrameType.Stream, stream: 2, fin: true }],
  ["RESET_STREAM", "04042a80011170", { type: FrameType.ResetStream, stream: 4, value: 42, offset: 70000 }],
  ["STOP_SENDING", "05042a", { type: FrameType.StopSending, stream: 4, value: 42 }],
  ["CONNECTION_CLOSE", "1c0a0003626164", { type: FrameType.ConnectionClose, value: 10, data: bytes("bad") }],
  ["of the application", "1d1003627965", { type: FrameType.ApplicationClose, value: 16, data: bytes("bye") }],
  ["MAX_DATA", "1080100000", { type: FrameType.MaxData, value: 1 << 20 }],
  ["MAX_STREAM_DATA", "110680040000", { type: FrameType.MaxStreamData, stream: 6, value: 256 << 10 }],
  ["MAX_STREAMS", "124064", { type: FrameType.MaxStreamsBidi, value: 100 }],
  ["MAX_STREAMS, unidirectional", "134065", { type: FrameType.MaxStreamsUni, value: 101 }],
  ["DATA_BLOCKED", "1405", { type: FrameType.DataBlocked, value: 5 }],
  ["STREAM_DATA_BLOCKED", "150306", { type: FrameType.StreamDataBlocked, stream: 3, value: 6 }],
  ["QX_PING", "f48c67529ef8c7bd09", { type: FrameType.Ping, value: 9 }],
  ["its answer", "f48c67529ef8c7be09", { type: FrameType.Pong, value: 9 }],
];
const theirParameters =
  "ff5153300d0a0d0a35" +
  "010480007530" + "040480100000" + "050480040000" + "060480040000" + "070480040000" + "08024064" + "09024064" + "20027ffe" + "c571c59429cd0845027ffe";

test("frames are read as another implementation writes them", () => {
  for (const [name, wire, want] of vectors) {
    const [frame, ...more] = parseRecord(unhex(wire));
    assert.equal(more.length, 0, name);
    assert.deepEqual({ ...frame, data: hex(frame?.data ?? new Uint8Array()) }, { stream: 0, value: 0, offset: 0, fin: false, ...want, data: hex(want.data ?? new Uint8Array()) }, name);
    for (let cut = 1; cut * 2 < wire.length; cut++) {
      assert.throws(() => parseRecord(unhex(wire.slice(0, cut * 2))), name);
    }
  }
});

test("frames are written as another implementation writes them", () => {
  assert.equal(hex(encodeStream(7, 300, bytes("hello"), false)), "0e07412c0568656c6c6f");
  assert.equal(hex(encodeStream(2, 0, new Uint8Array(), true)), "0f020000");
  assert.equal(hex(encodeFrame(FrameType.ResetStream, 4, 42, 70000)), "04042a80011170");
  assert.equal(hex(encodeFrame(FrameType.StopSending, 4, 42)), "05042a");
  assert.equal(hex(encodeFrame(FrameType.MaxStreamData, 6, 256 << 10)), "110680040000");
  assert.equal(hex(encodeFrame(FrameType.Pong, 9)), "f48c67529ef8c7be09");
  assert.equal(hex(encodeClose(16, "bye")), "1d1003627965");
});

test("transport parameters of another implementation, and larger ones than a number holds", () => {
  const [frame] = parseRecord(unhex(theirParameters));
  const want = { maxData: 1 << 20, streamDataBidiLocal: 256 << 10, streamDataBidiRemote: 256 << 10, streamDataUni: 256 << 10, streamsBidi: 100, streamsUni: 100 };
  assert.deepEqual(parseParameters(frame?.data ?? new Uint8Array()), want);
  const [own] = parseRecord(encodeParameters(want));
  assert.deepEqual(parseParameters(own?.data ?? new Uint8Array()), want);
  assert.equal(parseParameters(unhex("0408ffffffffffffffff")).maxData, Number.MAX_SAFE_INTEGER);
});

/** A connection whose server is the test. */
function connect() {
  const sent: Frame[] = [];
  let closed = false;
  const connection = new QmuxConnection({ send: (record) => sent.push(...parseRecord(record)), close: () => (closed = true) });
  const receive = (...frames: Uint8Array[]): void => connection.take(concat(frames));
  return {
    connection,
    sent,
    receive,
    isClosed: () => closed,
    /** The server allows what it allows. */
    meet: (change: object = {}) =>
      receive(encodeParameters({ maxData: 1000, streamDataBidiLocal: 500, streamDataBidiRemote: 500, streamDataUni: 500, streamsBidi: 2, streamsUni: 1, ...change })),
    of: (type: number) => sent.filter((frame) => frame.type === type),
  };
}

test("a stream both ways, and its end", async () => {
  const { connection, meet, receive, of } = connect();
  meet();
  const { readable, writable } = await connection.createBidirectionalStream();
  const writer = writable.getWriter();
  await writer.write(bytes("request"));
  await writer.close();
  assert.deepEqual(of(FrameType.Stream).map(({ stream, offset, fin, data }) => [stream, offset, fin, text(data)]), [[0, 0, false, "request"], [0, 7, true, ""]]);
  receive(encodeStream(0, 0, bytes("ans"), false), encodeStream(0, 3, bytes("wer"), true));
  assert.equal(await new Response(readable).text(), "answer");
});

test("the server's streams come in their order, also those that it skipped", async () => {
  const { connection, meet, receive, of } = connect();
  meet();
  const reader = connection.incomingUnidirectionalStreams.getReader();
  receive(encodeStream(7, 0, bytes("second"), true), encodeStream(3, 0, bytes("first"), true));
  for (const want of ["first", "second"]) {
    const { value } = await reader.read();
    assert.equal(await new Response(value).text(), want);
  }
  assert.deepEqual(of(FrameType.MaxStreamsUni).map(({ value }) => value), [257, 258]);
});

test("nothing is sent that the server has not allowed", async () => {
  const { connection, meet, receive, of } = connect();
  const opening = connection.createBidirectionalStream();
  await settled();
  meet({ maxData: 8, streamDataBidiRemote: 5 });
  const { writable } = await opening;
  const writer = writable.getWriter();
  const written = writer.write(bytes("0123456789"));
  const sizes = (): number[] => of(FrameType.Stream).map(({ data }) => data.length);
  await settled();
  assert.deepEqual(sizes(), [5]);
  receive(encodeFrame(FrameType.MaxStreamData, 0, 100));
  await settled();
  assert.deepEqual(sizes(), [5, 3]);
  receive(encodeFrame(FrameType.MaxData, 100));
  await written;
  assert.deepEqual(sizes(), [5, 3, 2]);
});

test("credit is given back as media is read, not as it comes", async () => {
  const { connection, meet, receive, of } = connect();
  meet();
  const piece = new Uint8Array(16_000);
  const record = (n: number): Uint8Array => encodeStream(3, n * piece.length, piece, false);
  for (let n = 0; n < 60; n++) {
    receive(record(n));
  }
  assert.equal(of(FrameType.MaxStreamData).length, 0);
  const { value: stream } = await connection.incomingUnidirectionalStreams.getReader().read();
  const reader = stream?.getReader();
  for (let n = 0; n < 60; n++) {
    assert.equal((await reader?.read())?.value?.length, piece.length);
  }
  assert.ok(of(FrameType.MaxStreamData).length > 0);
  assert.ok((of(FrameType.MaxStreamData).at(-1)?.value ?? 0) > 1 << 20);
});

test("resets carry their codes both ways", async () => {
  const { connection, meet, receive, of } = connect();
  meet();
  const reader = connection.incomingUnidirectionalStreams.getReader();
  receive(encodeStream(3, 0, bytes("x"), false), encodeFrame(FrameType.ResetStream, 3, 26, 1));
  const { value: reset } = await reader.read();
  await assert.rejects(new Response(reset).text(), (error) => error instanceof QmuxStreamError && error.streamErrorCode === 26);
  receive(encodeStream(7, 0, bytes("x"), false));
  const { value: unwanted } = await reader.read();
  await unwanted?.cancel({ streamErrorCode: 3 });
  assert.deepEqual(of(FrameType.StopSending).map(({ stream, value }) => [stream, value]), [[7, 3]]);
  receive(encodeStream(7, 1, bytes("y"), true)); // It was under way.
  const { writable } = await connection.createBidirectionalStream();
  await writable.getWriter().abort({ streamErrorCode: 4 });
  assert.deepEqual(of(FrameType.ResetStream).map(({ stream, value }) => [stream, value]), [[0, 4]]);
  const other = await connection.createBidirectionalStream();
  receive(encodeFrame(FrameType.StopSending, 4, 9));
  await assert.rejects(other.writable.getWriter().write(bytes("x")), (error) => error instanceof QmuxStreamError && error.streamErrorCode === 9);
});

test("a write that waits for credit can be aborted, with a code also where there is no WebTransport", async () => {
  const { connection, meet, of } = connect();
  meet({ maxData: 4 });
  const writer = (await connection.createUnidirectionalStream()).getWriter();
  const writing = writer.write(bytes("0123456789")).catch(() => undefined);
  await settled();
  const reason = streamError(7);
  assert.ok(reason instanceof Error);
  writer.abort(reason).catch(() => undefined);
  await settled();
  assert.deepEqual(of(FrameType.ResetStream).map(({ stream, value, offset }) => [stream, value, offset]), [[2, 7, 4]]);
  await writing;
});

test("a server that breaks the rules loses the connection", async () => {
  for (const [name, ...frames] of [
    ["a gap", encodeStream(3, 1, bytes("x"), false)],
    ["more than is allowed", ...Array.from({ length: 66 }, (_, n) => encodeStream(3, n * 16_000, new Uint8Array(16_000), false))],
    ["too many streams", encodeStream(4 * 300 + 3, 0, bytes("x"), false)],
    ["parameters twice", unhex(theirParameters)],
    ["a frame of QUIC", unhex("01")],
    ["half a frame", unhex("0e00")],
  ] as [string, ...Uint8Array<ArrayBuffer>[]][]) {
    const { connection, meet, isClosed } = connect();
    meet();
    frames.forEach((frame) => connection.take(frame));
    await assert.rejects(connection.closed, name);
    assert.ok(isClosed(), name);
  }
  const { connection, receive } = connect();
  receive(encodeStream(3, 0, bytes("x"), false));
  await assert.rejects(connection.closed, /parameters come first/);
});

test("its end ends all that waits", async () => {
  const { connection, meet, receive } = connect();
  const opening = connection.createUnidirectionalStream();
  meet({ streamsUni: 0 });
  const reader = connection.incomingUnidirectionalStreams.getReader();
  receive(encodeStream(3, 0, bytes("x"), false));
  const stream = (await reader.read()).value?.getReader();
  await stream?.read();
  const reading = stream?.read();
  receive(encodeClose(16, "bye"));
  assert.deepEqual(await connection.closed, { closeCode: 16, reason: "bye" });
  await assert.rejects(opening, /bye/);
  await assert.rejects(connection.createBidirectionalStream(), /bye/); // Of which two were allowed.
  await assert.rejects(reading ?? Promise.resolve(), /bye/);
  await assert.rejects(reader.read(), /bye/);
});
