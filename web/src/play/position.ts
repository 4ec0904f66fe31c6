/** As much of a playlist's segment as places it in time; seconds, and Unix milliseconds. */
export interface DatedFragment {
  readonly start: number;
  readonly duration: number;
  readonly programDateTime: number | null;
}

/** Before a segment's date by less is within it: dates are in whole milliseconds. */
const tolerance = 50;

/**
 * Where in a playlist a date is, in seconds of the playlist; -1, which asks hls.js for
 * the live edge, when the playlist does not reach back there, or nothing is known of dates.
 */
export function positionOf(date: number | undefined, fragments: readonly DatedFragment[]): number {
  for (const { start, duration, programDateTime } of fragments) {
    const into = date === undefined || programDateTime === null ? NaN : date - programDateTime;
    if (into >= -tolerance && into < duration * 1000) {
      return start + Math.max(0, into) / 1000;
    }
  }
  return -1;
}
