export interface PlayerConfig {
  /** The broadcast's page, such as https://host:4443/live/cam1/ */
  readonly url: string;
  readonly transport: "auto" | "moq" | "hls";
  /**
   * Milliseconds of media to hold ahead of the playhead; "adaptive" holds as much
   * as the way the media arrives asks for, from 150 to 300 (src/play/adaptivetarget.ts).
   */
  readonly targetBuffer: number | "adaptive";
  /** Bounds of the playback rate; pitch is kept, and less than a tenth is hardly heard. */
  readonly minimumRate: number;
  readonly maximumRate: number;
}

export type PlayerOptions = Partial<PlayerConfig> & Pick<PlayerConfig, "url">;

const defaults = {
  transport: "auto",
  targetBuffer: "adaptive",
  minimumRate: 0.95,
  maximumRate: 1.08,
} as const;

export function withDefaults(options: PlayerOptions): PlayerConfig {
  const config = { ...defaults, ...options };
  return { ...config, url: new URL(config.url, globalThis.location?.href).href };
}

/** A page's parts: where the server is, and which broadcast is meant. */
export interface Address {
  readonly origin: string;
  /** The broadcast's path, such as "live/cam1". */
  readonly name: string;
  readonly namespace: readonly string[];
}

export function parseAddress(url: string): Address {
  const { origin, pathname } = new URL(url);
  const namespace = pathname.split("/").filter((part) => part !== "").map(decodeURIComponent);
  return { origin, name: namespace.join("/"), namespace };
}
