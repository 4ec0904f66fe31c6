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

/** 812 kB, 4.2 MB, 1.34 GB */
export function formatBytes(bytes: number): string {
  if (bytes < 999_500) {
    return `${Math.round(bytes / 1000)} kB`;
  }
  return bytes < 999.5e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** Of a share from 0 to 1: 78 % */
export function formatPercent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
