import { concat } from "../wire/writer.ts";

/** A run of samples that are all alike, each one a random access point. */
export interface Run {
  readonly trackId: number;
  readonly decodeTime: bigint;
  readonly duration: number;
  readonly composition: number;
  readonly data: Uint8Array;
  readonly count: number;
}

/** Depends on no other sample (ISO/IEC 14496-12, 8.8.3). */
const independent = 0x02000000;
const defaultBaseIsMoof = 0x020000;

/** A chunk: moof mdat. */
export function chunkOf(run: Run): Uint8Array<ArrayBuffer> {
  const tfhd = box("tfhd", u32(defaultBaseIsMoof | 0x38, run.trackId, run.duration, run.data.length, independent));
  const tfdt = box("tfdt", u32(1 << 24, Number(run.decodeTime >> 32n), Number(run.decodeTime & 0xffffffffn)));
  const compositions = Array.from({ length: run.count }, () => run.composition);
  const around = 8 + 16 + 8 + tfhd.length + tfdt.length; // moof, mfhd, traf
  const offset = around + 20 + 4 * run.count + 8;
  const trun = box("trun", u32((1 << 24) | 0x801, run.count, offset, ...compositions));
  const moof = box("moof", box("mfhd", u32(0, 1)), box("traf", tfhd, tfdt, trun));
  return concat([moof, box("mdat", ...Array.from({ length: run.count }, () => run.data))]);
}

function box(type: string, ...bodies: Uint8Array[]): Uint8Array {
  const name = Uint8Array.from(type, (char) => char.charCodeAt(0));
  const size = bodies.reduce((sum, body) => sum + body.length, 8);
  return concat([u32(size), name, ...bodies]);
}

function u32(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setUint32(i * 4, value));
  return bytes;
}
