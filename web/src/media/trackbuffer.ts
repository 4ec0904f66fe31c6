import { concat } from "../wire/writer.ts";

type Operation =
  | { readonly kind: "append"; readonly data: Uint8Array<ArrayBuffer> }
  | { readonly kind: "type"; readonly mime: string }
  | { readonly kind: "remove"; readonly start: number; readonly end: number };

const maxQueuedBytes = 48 << 20;
const maxAppendBytes = 1 << 20;

/**
 * One SourceBuffer, which takes one operation at a time: what it is given waits
 * in order. A full buffer drops what was played first.
 */
export class TrackBuffer {
  private readonly queue: Operation[] = [];
  private queuedBytes = 0;
  /** Times at which decoding may begin, as far as media is held for them. */
  private randomAccess: number[] = [];
  private closed = false;

  constructor(
    private readonly source: SourceBuffer,
    private readonly playedUntil: () => number,
    private readonly onError: (error: Error) => void,
  ) {
    source.mode = "segments";
    source.addEventListener("updateend", this.pump);
    source.addEventListener("error", this.fail);
  }

  /** Whole chunks or headers only; data is not copied and must not change. */
  append(data: Uint8Array<ArrayBuffer>): void {
    this.queuedBytes += data.length;
    if (this.queuedBytes > maxQueuedBytes) {
      this.report(new Error("the browser takes no more media"));
      return;
    }
    this.push({ kind: "append", data });
  }

  changeType(mime: string): void {
    this.push({ kind: "type", mime });
  }

  /** Decoding may begin at this decode time, which lies before the picture's own. */
  noteRandomAccess(time: number): void {
    const { length } = this.randomAccess;
    if (length > 0 && time <= (this.randomAccess[length - 1] ?? 0)) {
      this.randomAccess = this.randomAccess.filter((earlier) => earlier < time);
    }
    this.randomAccess.push(time);
  }

  /** Drops media before a time, but no group that goes on after it. */
  removeBefore(time: number): void {
    const range = this.removable(time);
    if (range && this.queue.every((operation) => operation.kind !== "remove")) {
      this.push({ kind: "remove", ...range });
    }
  }

  /**
   * A removal that does not end at a random access point goes on to the next one
   * (Media Source Extensions, 3.5.9), which may lie beyond the playhead.
   */
  private removable(time: number): { start: number; end: number } | undefined {
    const start = this.ranges[0]?.[0];
    const end = this.randomAccess.filter((at) => at <= time).at(-1);
    if (start === undefined || end === undefined || end <= start) {
      return undefined;
    }
    this.randomAccess = this.randomAccess.filter((at) => at >= end);
    return { start, end };
  }

  /** Empty as soon as the browser has taken the source away. */
  get ranges(): [number, number][] {
    try {
      const { buffered } = this.source;
      return Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
    } catch {
      return [];
    }
  }

  close(): void {
    this.closed = true;
    this.source.removeEventListener("updateend", this.pump);
    this.source.removeEventListener("error", this.fail);
    this.queue.length = 0;
  }

  private push(operation: Operation): void {
    this.queue.push(operation);
    this.pump();
  }

  private readonly pump = (): void => {
    const operation = this.queue[0];
    if (this.closed || !operation || this.source.updating) {
      return;
    }
    try {
      this.run(operation);
    } catch (error) {
      this.recover(error);
    }
  };

  private run(operation: Operation): void {
    switch (operation.kind) {
      case "append":
        return this.runAppend();
      case "remove":
        this.source.remove(operation.start, operation.end);
        this.queue.shift();
        return;
      case "type":
        this.source.changeType(operation.mime);
        this.queue.shift();
        return this.pump();
    }
  }

  /** Appends in a row are handed over as one: each costs a task and an event. */
  private runAppend(): void {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let bytes = 0;
    for (const operation of this.queue) {
      if (operation.kind !== "append" || (parts.length > 0 && bytes + operation.data.length > maxAppendBytes)) {
        break;
      }
      parts.push(operation.data);
      bytes += operation.data.length;
    }
    const [first] = parts;
    this.source.appendBuffer(parts.length === 1 && first ? first : concat(parts));
    this.queue.splice(0, parts.length);
    this.queuedBytes -= bytes;
  }

  /** QuotaExceededError: makes room behind the playhead and tries again. */
  private recover(error: unknown): void {
    const full = error instanceof DOMException && error.name === "QuotaExceededError";
    const range = full ? this.removable(this.playedUntil()) : undefined;
    if (range) {
      this.queue.unshift({ kind: "remove", ...range });
      this.pump();
      return;
    }
    this.report(error instanceof Error ? error : new Error(String(error)));
  }

  private readonly fail = (): void => this.report(new Error("the browser could not read the media"));

  private report(error: Error): void {
    if (!this.closed) {
      this.close();
      this.onError(error);
    }
  }
}
