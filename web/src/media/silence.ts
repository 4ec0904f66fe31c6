/** Syntactic elements of an AAC raw data block (ISO/IEC 14496-3, table 4.85). */
const single = 0;
const pair = 1;
const lowFrequency = 3;
const end = 7;

/** By number of channels, in the order of ISO/IEC 14496-3, table 1.19. */
const layouts: Record<number, number[]> = {
  1: [single],
  2: [pair],
  3: [single, pair],
  4: [single, pair, single],
  5: [single, pair, pair],
  6: [single, pair, pair, lowFrequency],
  8: [single, pair, pair, pair, lowFrequency],
};

/** One frame of silence for a codec; undefined: there is none at hand. */
export function silence(codec: string, channels: number): Uint8Array | undefined {
  const layout = layouts[channels];
  if (codec.startsWith("mp4a.40.") && layout) {
    return aacSilence(layout);
  }
  // One CELT frame of 20 ms, which decodes to as many channels as asked for (RFC 6716, section 3.1).
  return codec.toLowerCase() === "opus" ? Uint8Array.of(0xf8, 0xff, 0xfe) : undefined;
}

/** Elements whose spectrum is empty: max_sfb is 0. */
function aacSilence(layout: number[]): Uint8Array {
  const bits: number[] = [];
  const put = (value: number, width: number) => {
    for (let i = width - 1; i >= 0; i--) {
      bits.push((value >> i) & 1);
    }
  };
  const tags = new Map<number, number>();
  for (const element of layout) {
    const tag = tags.get(element) ?? 0;
    tags.set(element, tag + 1);
    put(element, 3);
    put(tag, 4);
    if (element === pair) {
      put(1, 1); // common_window
      put(0, 11 + 2); // ics_info, ms_mask_present
      put(0, 11); // global_gain; pulse, TNS and gain control absent
      put(0, 11);
    } else {
      put(0, 8 + 11 + 3);
    }
  }
  put(end, 3);
  return Uint8Array.from({ length: Math.ceil(bits.length / 8) }, (_, i) =>
    bits.slice(i * 8, i * 8 + 8).reduce((byte, bit, place) => byte | (bit << (7 - place)), 0),
  );
}
