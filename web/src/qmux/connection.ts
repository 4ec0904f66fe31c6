import type { BidirectionalStream, Transport } from "../moqt/transport.ts";
import { WireError } from "../wire/varint.ts";
import {
  type Frame,
  FrameType,
  type Parameters,
  encodeClose,
  encodeFrame,
  encodeParameters,
  parseParameters,
  parseRecord,
} from "./frame.ts";
import { type Link, ReceiveHalf, SendHalf } from "./streams.ts";

/** What carries records; a WebSocket is one. */
export interface Carrier {
  send(record: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** What the server may send ahead of us: with that much on its way nothing waits for our word, and no more waits for us. */
const connectionWindow = 2 << 20;
const streamWindow = 1 << 20;
const most = { bidi: 16, uni: 256 };

const decoder = new TextDecoder();

/** Stream IDs: the lowest bit tells who opened it, 0 the client; the next its direction (RFC 9000, section 2.1). */
const isOurs = (id: number): boolean => (id & 1) === 0;
const isUni = (id: number): boolean => (id & 2) !== 0;

/** A stream in use. */
interface Halves {
  readonly send?: SendHalf;
  readonly receive?: ReceiveHalf;
  /** How many of its halves have not ended. */
  open?: number;
}

/**
 * The client's end of QMux: WebTransport's streams over a carrier of records
 * (draft-ietf-quic-qmux-02, draft-lcurley-qmux-websocket-00).
 */
export class QmuxConnection implements Transport, Link {
  readonly closed: Promise<unknown>;
  readonly incomingUnidirectionalStreams: ReadableStream<ReadableStream<Uint8Array>>;
  readonly incomingBidirectionalStreams: ReadableStream<BidirectionalStream>;
  /** Resolves when the server has said what it allows. */
  readonly ready: Promise<void>;
  private readonly streams = new Map<number, Halves>();
  private readonly opened = { bidi: 0, uni: 0 };
  private readonly allowed = { bidi: 0, uni: 0 };
  private readonly accepted = { bidi: 0, uni: 0 };
  private readonly limit = { ...most };
  private peer: Parameters | undefined;
  private sent = 0;
  private maxData = 0;
  private received = 0;
  private released = 0;
  private window = connectionWindow;
  private waiting: (() => void)[] = [];
  private over: unknown;
  private unis: ReadableStreamDefaultController<ReadableStream<Uint8Array>> | undefined;
  private bidis: ReadableStreamDefaultController<BidirectionalStream> | undefined;
  private settle: { ready: () => void; closed: (info: unknown) => void; failed: (error: unknown) => void };

  constructor(private readonly carrier: Carrier) {
    let ready = (): void => undefined;
    let closed: (info: unknown) => void = () => undefined;
    let failed: (error: unknown) => void = () => undefined;
    this.closed = new Promise((resolve, reject) => {
      closed = resolve;
      failed = reject;
    });
    this.closed.catch(() => undefined);
    this.ready = new Promise<void>((resolve, reject) => {
      ready = resolve;
      this.closed.then(() => reject(new Error("closed")), reject);
    });
    this.ready.catch(() => undefined);
    this.settle = { ready, closed, failed };
    this.incomingUnidirectionalStreams = new ReadableStream({ start: (controller) => void (this.unis = controller) });
    this.incomingBidirectionalStreams = new ReadableStream({ start: (controller) => void (this.bidis = controller) });
    carrier.send(
      encodeParameters({
        maxData: connectionWindow,
        streamDataBidiLocal: streamWindow,
        streamDataBidiRemote: streamWindow,
        streamDataUni: streamWindow,
        streamsBidi: most.bidi,
        streamsUni: most.uni,
      }),
    );
  }

  /** Takes a record of the server's. */
  take(record: Uint8Array<ArrayBuffer>): void {
    try {
      for (const frame of parseRecord(record)) {
        if (this.over === undefined) {
          this.handle(frame);
        }
      }
    } catch (error) {
      this.fail(error);
    }
  }

  /** The carrier has ended. */
  lost(reason: string): void {
    this.end(new Error(reason));
  }

  close(info?: { closeCode?: number; reason?: string }): void {
    if (this.over === undefined) {
      this.carrier.send(encodeClose(info?.closeCode ?? 0, info?.reason ?? ""));
      this.end(new Error("closed"), info ?? {});
    }
  }

  async createUnidirectionalStream(): Promise<WritableStream<Uint8Array>> {
    const id = await this.open("uni");
    const send = new SendHalf(id, this.peer?.streamDataUni ?? 0, this);
    this.streams.set(id, { send });
    return send.writable;
  }

  async createBidirectionalStream(): Promise<BidirectionalStream> {
    return this.makeBidirectional(await this.open("bidi"), this.peer?.streamDataBidiRemote ?? 0);
  }

  // Link, for the halves of streams.

  send(frame: Uint8Array<ArrayBuffer>): void {
    if (this.over === undefined) {
      this.carrier.send(frame);
    }
  }

  takeCredit(wanted: number): number {
    const n = Math.max(0, Math.min(wanted, this.maxData - this.sent));
    this.sent += n;
    return n;
  }

  release(bytes: number): void {
    this.released += bytes;
    if (this.window - this.released < connectionWindow / 2) {
      this.window = this.released + connectionWindow;
      this.send(encodeFrame(FrameType.MaxData, this.window));
    }
  }

  ended(id: number): void {
    const halves = this.streams.get(id);
    if (!halves || this.over !== undefined) {
      return;
    }
    halves.open = (halves.open ?? (isUni(id) ? 1 : 2)) - 1;
    if (halves.open > 0) {
      return;
    }
    this.streams.delete(id);
    if (!isOurs(id)) {
      const direction = isUni(id) ? "uni" : "bidi";
      this.send(encodeFrame(isUni(id) ? FrameType.MaxStreamsUni : FrameType.MaxStreamsBidi, ++this.limit[direction]));
    }
  }

  private makeBidirectional(id: number, limit: number): BidirectionalStream {
    const send = new SendHalf(id, limit, this);
    const receive = new ReceiveHalf(id, streamWindow, this);
    this.streams.set(id, { send, receive });
    return { readable: receive.readable, writable: send.writable };
  }

  private async open(direction: "bidi" | "uni"): Promise<number> {
    while (this.over === undefined && this.opened[direction] >= this.allowed[direction]) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
    if (this.over !== undefined) {
      throw this.over;
    }
    return this.opened[direction]++ * 4 + (direction === "uni" ? 2 : 0);
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) {
      resolve();
    }
  }

  private handle(frame: Frame): void {
    if ((frame.type === FrameType.TransportParameters) === (this.peer !== undefined)) {
      throw new WireError("transport parameters come first, and once");
    }
    switch (frame.type) {
      case FrameType.TransportParameters:
        return this.meet(parseParameters(frame.data));
      case FrameType.Stream:
      case FrameType.ResetStream:
        return this.incoming(frame);
      case FrameType.StopSending:
        return this.streams.get(frame.stream)?.send?.stop(frame.value);
      case FrameType.MaxStreamData:
        return this.streams.get(frame.stream)?.send?.allow(frame.value);
      case FrameType.MaxData:
        this.maxData = Math.max(this.maxData, frame.value);
        return this.streams.forEach(({ send }) => send?.retry());
      case FrameType.MaxStreamsBidi:
        return this.allow("bidi", frame.value);
      case FrameType.MaxStreamsUni:
        return this.allow("uni", frame.value);
      case FrameType.Ping:
        return this.send(encodeFrame(FrameType.Pong, frame.value));
      case FrameType.ConnectionClose:
      case FrameType.ApplicationClose:
        this.end(new Error(decoder.decode(frame.data) || `closed with code ${frame.value}`), {
          closeCode: frame.value,
          reason: decoder.decode(frame.data),
        });
    }
  }

  private meet(parameters: Parameters): void {
    this.peer = parameters;
    this.maxData = parameters.maxData;
    this.allow("bidi", parameters.streamsBidi);
    this.allow("uni", parameters.streamsUni);
    this.settle.ready();
  }

  private allow(direction: "bidi" | "uni", limit: number): void {
    this.allowed[direction] = Math.max(this.allowed[direction], limit);
    this.wake();
  }

  private incoming({ type, stream, value, offset, data, fin }: Frame): void {
    const receive = (this.streams.get(stream) ?? this.accept(stream))?.receive;
    if (!receive) {
      return; // It is over, and what the server still says of it is nothing to us.
    }
    if (type === FrameType.Stream) {
      this.received += data.length;
    }
    const legal = type === FrameType.Stream ? receive.take(offset, data, fin) : receive.reset(value, offset);
    if (!legal || this.received > this.window) {
      throw new WireError(`stream ${stream} goes on where it should not`);
    }
  }

  /** The server's streams up to this one are open; undefined for one that was before. */
  private accept(id: number): Halves | undefined {
    const direction = isUni(id) ? "uni" : "bidi";
    const number = Math.floor(id / 4);
    if (isOurs(id) || number < this.accepted[direction]) {
      return undefined;
    }
    if (number >= this.limit[direction]) {
      throw new WireError(`stream ${id}, more than are allowed`);
    }
    for (; this.accepted[direction] <= number; this.accepted[direction]++) {
      const next = this.accepted[direction] * 4 + (id % 4);
      if (direction === "bidi") {
        this.bidis?.enqueue(this.makeBidirectional(next, this.peer?.streamDataBidiLocal ?? 0));
        continue;
      }
      const receive = new ReceiveHalf(next, streamWindow, this);
      this.streams.set(next, { receive });
      this.unis?.enqueue(receive.readable);
    }
    return this.streams.get(id);
  }

  private fail(error: unknown): void {
    if (this.over === undefined) {
      this.carrier.send(encodeClose(0, error instanceof Error ? error.message : String(error)));
      this.end(error);
    }
  }

  /** With info it was closed in order, else it broke. */
  private end(error: unknown, info?: object): void {
    if (this.over !== undefined) {
      return;
    }
    this.over = error;
    for (const { send, receive } of this.streams.values()) {
      send?.fail(error);
      receive?.fail(error);
    }
    this.streams.clear();
    this.unis?.error(error);
    this.bidis?.error(error);
    this.wake();
    this.carrier.close();
    if (info) {
      this.settle.closed(info);
    } else {
      this.settle.failed(error);
    }
  }
}
