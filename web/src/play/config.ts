import type { SwarmSettingsConfig } from "../swarm/settings.ts";

export interface PlayerConfig {
  /** The broadcast's page, such as https://host:4443/live/cam1/ */
  readonly url: string;
  /** MoQ goes over WebTransport, and over WebSocket where that does not work; "websocket" is MoQ over that alone. */
  readonly transport: "auto" | "moq" | "websocket" | "hls";
  /** Other gateways that serve the broadcast, for when this one is gone; gateways may name more themselves. */
  readonly fallbacks: readonly string[];
  /**
   * Milliseconds of media to hold ahead of the playhead; "adaptive" holds as much
   * as the way the media arrives asks for, from 150 to 300 (src/play/adaptivetarget.ts).
   */
  readonly targetBuffer: number | "adaptive";
  /** Bounds of the playback rate; pitch is kept, and less than a tenth is hardly heard. */
  readonly minimumRate: number;
  readonly maximumRate: number;
  /** Passing video on to other viewers; without a consent nothing of it happens. */
  readonly swarm: SwarmSettingsConfig;
}

export type PlayerOptions = Partial<Omit<PlayerConfig, "swarm">> &
  Pick<PlayerConfig, "url"> & { readonly swarm?: Partial<SwarmSettingsConfig> };

/**
 * 2 GB an hour is what 4 Mbit/s given away all the time come to; a day of 10 GB keeps a
 * forgotten tab from using up a line with a monthly volume.
 */
const swarmDefaults: SwarmSettingsConfig = { use: "auto", consent: "unset", operator: "", cap: 0, hourly: 2e9, daily: 10e9 };

const defaults = {
  transport: "auto",
  fallbacks: [],
  targetBuffer: "adaptive",
  minimumRate: 0.95,
  maximumRate: 1.08,
} as const;

export function withDefaults(options: PlayerOptions): PlayerConfig {
  const config = { ...defaults, ...options, swarm: { ...swarmDefaults, ...options.swarm } };
  return { ...config, url: new URL(config.url, globalThis.location?.href).href };
}

/** LL-HLS is not to take over. */
export function moqAlone({ transport }: PlayerConfig): boolean {
  return transport === "moq" || transport === "websocket";
}

/** A page's parts: where the server is, and which broadcast is meant. */
export interface Address {
  readonly origin: string;
  /** The broadcast's path, such as "live/cam1". */
  readonly name: string;
  readonly namespace: readonly string[];
  /** What shows the server what may be watched; empty when nothing does. */
  readonly token: string;
}

export function parseAddress(url: string): Address {
  const { origin, pathname, searchParams } = new URL(url);
  const namespace = pathname.split("/").filter((part) => part !== "").map(decodeURIComponent);
  const token = searchParams.get("token") ?? searchParams.get("jwt") ?? "";
  return { origin, name: namespace.join("/"), namespace, token };
}

/** Where the broadcast is served as LL-HLS; the playlists carry the token on. */
export function playlistUrl({ name, token }: Address, origin: string): string {
  return withToken(`${origin}/${name.split("/").map(encodeURIComponent).join("/")}/index.m3u8`, token);
}

/** The URL with the token in its query. */
export function withToken(url: string, token: string): string {
  if (token === "") {
    return url;
  }
  const shown = new URL(url, globalThis.location?.href);
  shown.searchParams.set("token", token);
  return shown.href;
}

/** What to say when the server refuses the broadcast. */
export function refused(name: string): string {
  return `${name} is not for everybody: the token in the page's address is missing, has expired, or is for something else.`;
}
