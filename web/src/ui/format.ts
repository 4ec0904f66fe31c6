/** 312 ms, 1.84 s */
export function formatTime(milliseconds: number | null): string {
  if (milliseconds === null) {
    return "–";
  }
  return Math.abs(milliseconds) < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}

/** 640 kbit/s, 4.2 Mbit/s */
export function formatBitrate(bits: number): string {
  return bits < 999_500 ? `${Math.round(bits / 1000)} kbit/s` : `${(bits / 1e6).toFixed(1)} Mbit/s`;
}
