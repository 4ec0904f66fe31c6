import { FrameType, encodeFrame, encodeStream } from "./frame.ts";

/** What the halves of streams ask of their connection. */
export interface Link {
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** Takes up to so many bytes of the connection's credit; 0 when there is none. */
  takeCredit(wanted: number): number;
  /** Bytes were read, or are not wanted: the server may send as many more. */
  release(bytes: number): void;
  /** A half will not be heard of any more. */
  ended(id: number): void;
}

/** The reason of an abort or a cancel carries the code. */
export function codeOf(reason: unknown): number {
  const code = (reason as { streamErrorCode?: unknown } | undefined)?.streamErrorCode;
  return typeof code === "number" ? code : 0;
}

/** A stream that the server reset or does not want. */
export class QmuxStreamError extends Error {
  readonly source = "stream";

  constructor(readonly streamErrorCode: number) {
    super(`the server ended the stream with code ${streamErrorCode}`);
  }
}

/** Records hold 16,382 bytes; this leaves room for a frame's head. */
const maxPayload = 16_000;

/** The sending half of a stream. */
export class SendHalf {
  readonly writable: WritableStream<Uint8Array>;
  private offset = 0;
  private over = false;
  private controller: WritableStreamDefaultController | undefined;
  private wake: () => void = () => undefined;

  constructor(
    private readonly id: number,
    private limit: number,
    private readonly link: Link,
  ) {
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.controller = controller;
        // The sink's abort waits for the write under way, which may wait for credit that never comes.
        controller.signal.addEventListener("abort", () => this.reset(codeOf(controller.signal.reason)));
      },
      write: (bytes) => this.write(bytes),
      close: () => this.finish(encodeStream(this.id, this.offset, new Uint8Array(), true)),
      abort: (reason) => this.reset(codeOf(reason)),
    });
  }

  allow(limit: number): void {
    this.limit = Math.max(this.limit, limit);
    this.wake();
  }

  /** The server wants no more of it. */
  stop(code: number): void {
    this.reset(code);
    this.controller?.error(new QmuxStreamError(code));
  }

  fail(error: unknown): void {
    this.over = true;
    this.wake();
    this.controller?.error(error);
  }

  /** The connection has credit again. */
  retry(): void {
    this.wake();
  }

  private async write(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0 && !this.over; ) {
      const n = this.link.takeCredit(Math.min(rest.length, this.limit - this.offset, maxPayload));
      if (n === 0) {
        await new Promise<void>((resolve) => (this.wake = resolve));
        continue;
      }
      this.link.send(encodeStream(this.id, this.offset, rest.subarray(0, n), false));
      this.offset += n;
      rest = rest.subarray(n);
    }
  }

  private reset(code: number): void {
    this.finish(encodeFrame(FrameType.ResetStream, this.id, code, this.offset));
  }

  private finish(frame: Uint8Array<ArrayBuffer>): void {
    if (this.over) {
      return;
    }
    this.over = true;
    this.wake();
    this.link.send(frame);
    this.link.ended(this.id);
  }
}

/** The receiving half of a stream. */
export class ReceiveHalf {
  readonly readable: ReadableStream<Uint8Array>;
  private readonly chunks: Uint8Array<ArrayBuffer>[] = [];
  private received = 0;
  private read = 0;
  private limit: number;
  private final = false;
  private over = false;
  private cancelled = false;
  private controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  private pulled: (() => void) | undefined;

  constructor(
    private readonly id: number,
    private readonly window: number,
    private readonly link: Link,
  ) {
    this.limit = window;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.controller = controller;
        },
        pull: () => this.pull(),
        cancel: (reason) => this.cancel(codeOf(reason)),
      },
      { highWaterMark: 0 },
    );
  }

  /** Takes what came; false if the server broke the rules. */
  take(offset: number, data: Uint8Array<ArrayBuffer>, fin: boolean): boolean {
    if (offset !== this.received || offset + data.length > this.limit || (this.final && data.length > 0)) {
      return false;
    }
    this.received += data.length;
    this.final ||= fin;
    if (this.cancelled) {
      this.link.release(data.length);
    } else if (data.length > 0) {
      this.chunks.push(data);
    }
    if (this.final && this.cancelled) {
      this.end();
    }
    this.deliver();
    return true;
  }

  /** Takes RESET_STREAM; false if the server broke the rules. */
  reset(code: number, size: number): boolean {
    if (size < this.received || size > this.limit) {
      return false;
    }
    this.link.release(size - this.received + this.forget());
    this.fail(new QmuxStreamError(code));
    return true;
  }

  fail(error: unknown): void {
    if (!this.over) {
      this.end();
      if (!this.cancelled) {
        this.controller?.error(error);
      }
    }
  }

  private pull(): Promise<void> | void {
    if (this.chunks.length > 0 || this.final) {
      this.hand();
      return;
    }
    return new Promise((resolve) => (this.pulled = resolve));
  }

  private deliver(): void {
    const { pulled } = this;
    if (pulled && (this.chunks.length > 0 || this.final)) {
      this.pulled = undefined;
      this.hand();
      pulled();
    }
  }

  private hand(): void {
    const chunk = this.chunks.shift();
    if (chunk) {
      this.controller?.enqueue(chunk);
      this.settle(chunk.length);
    } else if (!this.over) {
      this.end();
      this.controller?.close();
    }
  }

  /** What was read makes room, of which the server is told when half of it is free. */
  private settle(bytes: number): void {
    this.read += bytes;
    this.link.release(bytes);
    if (!this.final && this.limit - this.read < this.window / 2) {
      this.limit = this.read + this.window;
      this.link.send(encodeFrame(FrameType.MaxStreamData, this.id, this.limit));
    }
  }

  private cancel(code: number): void {
    this.cancelled = true;
    this.link.release(this.forget());
    if (this.final) {
      this.end();
    } else if (!this.over) {
      this.link.send(encodeFrame(FrameType.StopSending, this.id, code));
    }
  }

  private forget(): number {
    return this.chunks.splice(0).reduce((sum, chunk) => sum + chunk.length, 0);
  }

  private end(): void {
    if (!this.over) {
      this.over = true;
      this.pulled?.();
      this.link.ended(this.id);
    }
  }
}
