import { concat } from "./writer.ts";
import { WireError, decodeVarint, safeNumber, varintLength } from "./varint.ts";

/**
 * Reads fields out of a stream as they arrive. A field cut off by FIN is a
 * WireError; a reset rejects with the stream's own error. Nothing is taken from
 * the stream before it is asked for, so flow control bounds what is held.
 */
export class StreamReader {
  private readonly source: ReadableStreamDefaultReader<Uint8Array>;
  private chunk: Uint8Array = new Uint8Array(0);

  constructor(
    stream: ReadableStream<Uint8Array>,
    private readonly onData: () => void = () => undefined,
  ) {
    this.source = stream.getReader();
  }

  /** Whether the stream was finished and everything of it read. */
  async atEnd(): Promise<boolean> {
    return !(await this.fill());
  }

  async varint(): Promise<bigint> {
    if (!(await this.fill())) {
      throw new WireError("stream ended before an integer");
    }
    return decodeVarint(await this.bytes(varintLength(this.chunk[0] ?? 0)));
  }

  async uint(): Promise<number> {
    return safeNumber(await this.varint());
  }

  async u8(): Promise<number> {
    return (await this.bytes(1))[0] ?? 0;
  }

  /** The next bytes, copied. Memory grows with what arrived, not with length. */
  async bytes(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      if (!(await this.fill())) {
        throw new WireError(`stream ended ${missing} bytes early`);
      }
      const part = this.chunk.subarray(0, missing);
      this.chunk = this.chunk.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    return concat(parts);
  }

  /** Reads and forgets all that comes. */
  async discard(): Promise<void> {
    while (await this.fill()) {
      this.chunk = new Uint8Array(0);
    }
  }

  /** Tells the sender that no more is wanted (STOP_SENDING). */
  cancel(reason: unknown): void {
    this.source.cancel(reason).catch(() => undefined);
  }

  private async fill(): Promise<boolean> {
    while (this.chunk.length === 0) {
      const { value, done } = await this.source.read();
      if (done) {
        return false;
      }
      this.chunk = value;
      this.onData();
    }
    return true;
  }
}
