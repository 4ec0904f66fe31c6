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
  readonly producer: ProducerTime | undefined;
}

const defaultDurationFlag = 0x8;
const sampleDurationFlag = 0x100;
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
    : { decodeTime, duration: parseDuration(traf), producer: prft && parseProducer(prft) };
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

function parseDuration(traf: Uint8Array): number {
  const tfhd = findBox(traf, "tfhd");
  const fallback = tfhd ? defaultDuration(tfhd) : 0;
  let sum = 0;
  for (const box of boxes(traf)) {
    if (box.type === "trun") {
      sum += runDuration(box.body, fallback);
    }
  }
  return sum;
}

function defaultDuration(tfhd: Uint8Array): number {
  const fields = new Fields(tfhd);
  const flags = fields.u32() & 0xffffff;
  fields.skip(4 + ((flags & 0x1) !== 0 ? 8 : 0) + ((flags & 0x2) !== 0 ? 4 : 0));
  return (flags & defaultDurationFlag) !== 0 ? fields.u32() : 0;
}

function runDuration(trun: Uint8Array, fallback: number): number {
  const fields = new Fields(trun);
  const flags = fields.u32() & 0xffffff;
  const count = fields.u32();
  if ((flags & sampleDurationFlag) === 0) {
    return count * fallback;
  }
  fields.skip(((flags & 0x1) !== 0 ? 4 : 0) + ((flags & 0x4) !== 0 ? 4 : 0));
  const rest = 4 * ((flags & 0x200 ? 1 : 0) + (flags & 0x400 ? 1 : 0) + (flags & 0x800 ? 1 : 0));
  let sum = 0;
  for (let i = 0; i < count && fields.remaining > 0; i++) {
    sum += fields.u32();
    fields.skip(rest);
  }
  return sum;
}
