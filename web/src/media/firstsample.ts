import { Fields, boxes, findBox } from "./boxes.ts";

export interface FirstSample {
  readonly data: Uint8Array;
  readonly trackId: number;
  readonly samples: number;
  /** PTS less DTS, in the track's timescale. */
  readonly composition: number;
}

/** The first sample of a chunk and what its track fragment says of it; undefined: it cannot be told. */
export function firstSample(chunk: Uint8Array): FirstSample | undefined {
  for (const { type, body } of boxes(chunk)) {
    const tfhd = type === "moof" ? findBox(body, "traf/tfhd") : undefined;
    const trun = type === "moof" ? findBox(body, "traf/trun") : undefined;
    if (tfhd && trun) {
      return readSample(chunk.subarray(body.byteOffset - 8 - chunk.byteOffset), tfhd, trun);
    }
  }
  return undefined;
}

/** fragment begins with the moof, which the data offset counts from (8.8.8). */
function readSample(fragment: Uint8Array, tfhd: Uint8Array, trun: Uint8Array): FirstSample | undefined {
  const { trackId, defaultSize } = readHeader(tfhd);
  const fields = new Fields(trun);
  const flags = fields.u32();
  const has = (flag: number) => (flags & flag) !== 0;
  const samples = fields.u32();
  const offset = has(0x1) ? fields.u32() : 0;
  fields.skip((has(0x4) ? 4 : 0) + (has(0x100) ? 4 : 0));
  const size = has(0x200) ? fields.u32() : defaultSize;
  fields.skip(has(0x400) ? 4 : 0);
  const composition = has(0x800) ? fields.u32() | 0 : 0;
  const data = fragment.subarray(offset, offset + size);
  const known = !fields.overrun && offset > 0 && size > 0 && data.length === size;
  return known ? { data, trackId, samples, composition } : undefined;
}

function readHeader(tfhd: Uint8Array): { trackId: number; defaultSize: number } {
  const fields = new Fields(tfhd);
  const flags = fields.u32();
  const has = (flag: number) => (flags & flag) !== 0;
  const trackId = fields.u32();
  fields.skip((has(0x1) ? 8 : 0) + (has(0x2) ? 4 : 0) + (has(0x8) ? 4 : 0));
  return { trackId, defaultSize: has(0x10) ? fields.u32() : 0 };
}
