// ISO base media boxes (ISO/IEC 14496-12), as far as a player looks into them.

export interface Box {
  readonly type: string;
  /** The box without its header; a view, not a copy. */
  readonly body: Uint8Array;
}

/** The boxes lying side by side in data; stops at the first that is cut off. */
export function* boxes(data: Uint8Array): Generator<Box> {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let offset = 0;
  while (offset + 8 <= data.length) {
    let size = view.getUint32(offset);
    let header = 8;
    if (size === 1 && offset + 16 <= data.length) {
      size = Number(view.getBigUint64(offset + 8));
      header = 16;
    } else if (size === 0) {
      size = data.length - offset;
    }
    if (size < header || offset + size > data.length) {
      return;
    }
    const type = String.fromCharCode(...data.subarray(offset + 4, offset + 8));
    yield { type, body: data.subarray(offset + header, offset + size) };
    offset += size;
  }
}

/** The first box on a path such as "moov/trak/mdia/mdhd". */
export function findBox(data: Uint8Array, path: string): Uint8Array | undefined {
  let body: Uint8Array | undefined = data;
  for (const type of path.split("/")) {
    body = body && firstOf(body, type);
  }
  return body;
}

function firstOf(data: Uint8Array, type: string): Uint8Array | undefined {
  for (const box of boxes(data)) {
    if (box.type === type) {
      return box.body;
    }
  }
  return undefined;
}

/** Reads big-endian fields; past the end it reads zeros and remembers. */
export class Fields {
  overrun = false;
  private readonly view: DataView;
  private offset = 0;

  constructor(body: Uint8Array) {
    this.view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  }

  get remaining(): number {
    return this.view.byteLength - this.offset;
  }

  u32(): number {
    return this.take(4) ? this.view.getUint32(this.offset - 4) : 0;
  }

  u64(): bigint {
    return this.take(8) ? this.view.getBigUint64(this.offset - 8) : 0n;
  }

  skip(bytes: number): void {
    this.take(bytes);
  }

  private take(bytes: number): boolean {
    if (bytes > this.remaining) {
      this.overrun = true;
      this.offset = this.view.byteLength;
      return false;
    }
    this.offset += bytes;
    return true;
  }
}
