import { Fields, boxes, findBox } from "./boxes.ts";

/** A producer reference: the sample at mediaTime was made at wallClock. */
export interface ProducerTime {
  /** Unix milliseconds. */
  readonly wallClock: number;
  /** In the track's timescale. */
  readonly mediaTime: bigint;
}

export interface ChunkInfo {
  /** tfdt, in the track's timescale. */
  readonly decodeTime: bigint;
  /** The sum of the sample durations in the track's timescale. */
  readonly duration: number;
  /** When its first sample on the screen is due, less decodeTime; below zero where offsets are. */
  readonly composition: number;
  readonly producer: ProducerTime | undefined;
}

const defaultDurationFlag = 0x8;
const sampleDurationFlag = 0x100;
const compositionFlag = 0x800;
/** Seconds from the NTP epoch (1900) to the Unix epoch, RFC 5905 section 6. */
const ntpToUnix = 2_208_988_800;

/** Looks into a CMAF chunk: [styp] [prft] moof mdat. Undefined: it is none. */
export function parseChunk(data: Uint8Array): ChunkInfo | undefined {
  const traf = findBox(data, "moof/traf");
  const tfdt = traf && findBox(traf, "tfdt");
  if (!traf || !tfdt) {
    return undefined;
  }
  const decodeTime = parseDecodeTime(tfdt);
  const prft = findBox(data, "prft");
  return decodeTime === undefined
    ? undefined
    : { decodeTime, ...parseRuns(traf), producer: prft && parseProducer(prft) };
}

/** The ticks per second of the first track of a header (ftyp moov). */
export function parseTimescale(header: Uint8Array): number | undefined {
  const mdhd = findBox(header, "moov/trak/mdia/mdhd");
  if (!mdhd) {
    return undefined;
  }
  const fields = new Fields(mdhd);
  fields.skip(fields.u32() >>> 24 === 1 ? 16 : 8);
  const timescale = fields.u32();
  return fields.overrun || timescale === 0 ? undefined : timescale;
}

function parseDecodeTime(tfdt: Uint8Array): bigint | undefined {
  const fields = new Fields(tfdt);
  const time = fields.u32() >>> 24 === 1 ? fields.u64() : BigInt(fields.u32());
  return fields.overrun ? undefined : time;
}

function parseProducer(prft: Uint8Array): ProducerTime | undefined {
  const fields = new Fields(prft);
  const version = fields.u32() >>> 24;
  fields.skip(4);
  const seconds = fields.u32();
  const wallClock = (seconds - ntpToUnix + fields.u32() / 2 ** 32) * 1000;
  const mediaTime = version === 0 ? BigInt(fields.u32()) : fields.u64();
  return fields.overrun ? undefined : { wallClock, mediaTime };
}

interface Runs {
  readonly duration: number;
  readonly composition: number;
}

function parseRuns(traf: Uint8Array): Runs {
  const tfhd = findBox(traf, "tfhd");
  const fallback = tfhd ? defaultDuration(tfhd) : 0;
  let duration = 0;
  let composition = Infinity;
  for (const box of boxes(traf)) {
    if (box.type === "trun") {
      const run = readRun(box.body, fallback);
      composition = Math.min(composition, duration + run.composition);
      duration += run.duration;
    }
  }
  return { duration, composition: Number.isFinite(composition) ? composition : 0 };
}

function defaultDuration(tfhd: Uint8Array): number {
  const fields = new Fields(tfhd);
  const flags = fields.u32() & 0xffffff;
  fields.skip(4 + ((flags & 0x1) !== 0 ? 8 : 0) + ((flags & 0x2) !== 0 ? 4 : 0));
  return (flags & defaultDurationFlag) !== 0 ? fields.u32() : 0;
}

function readRun(trun: Uint8Array, fallback: number): Runs {
  const fields = new Fields(trun);
  const flags = fields.u32() & 0xffffff;
  const has = (flag: number) => (flags & flag) !== 0;
  const count = fields.u32();
  if (!has(sampleDurationFlag) && !has(compositionFlag)) {
    return { duration: count * fallback, composition: 0 };
  }
  fields.skip((has(0x1) ? 4 : 0) + (has(0x4) ? 4 : 0));
  const between = 4 * ((has(0x200) ? 1 : 0) + (has(0x400) ? 1 : 0));
  let duration = 0;
  let composition = Infinity;
  for (let i = 0; i < count && fields.remaining > 0; i++) {
    const start = duration;
    duration += has(sampleDurationFlag) ? fields.u32() : fallback;
    fields.skip(between);
    composition = Math.min(composition, start + (has(compositionFlag) ? fields.u32() | 0 : 0));
  }
  return { duration, composition };
}
