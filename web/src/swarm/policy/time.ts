/** The Viewer counts in microseconds, so that Go and TypeScript do the same arithmetic on whole numbers below 2^53. */
export const millisecond = 1000;
export const second = 1000 * millisecond;

/** Division as Go's, of whole numbers. */
export function div(a: number, b: number): number {
  return Math.trunc(a / b);
}
