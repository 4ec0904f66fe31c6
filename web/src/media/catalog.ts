// The catalog of MSF and CMSF (draft-ietf-moq-msf-01, draft-ietf-moq-cmsf-01).
import { parseSwarmKeys, type SwarmKeys } from "../swarm/beaconkeys.ts";

export type Kind = "video" | "audio";

export interface CatalogTrack {
  readonly name: string;
  readonly kind: Kind;
  /** For MediaSource, such as `video/mp4; codecs="avc1.4D401F"`. */
  readonly mime: string;
  readonly codec: string;
  /** Of audio; 0: not told. */
  readonly channels: number;
  /** The CMAF header: ftyp and moov. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** The track that says what the chunks of this one are made of (docs/swarm-protocol.md). */
  readonly beacons?: string;
}

export interface Catalog {
  readonly tracks: readonly CatalogTrack[];
  /** Whose beacons count; null where there are none. */
  readonly swarm: SwarmKeys | null;
}

export class CatalogError extends Error {
  override name = "CatalogError";
}

const maxBytes = 1 << 20;
const maxTracks = 256;

/** The tracks of a whole catalog; those that are not CMAF video or audio are left out. */
export function parseCatalog(payload: Uint8Array): CatalogTrack[] {
  return [...readCatalog(payload).tracks];
}

/** Reads a whole catalog; tracks that are not CMAF video or audio are left out. */
export function readCatalog(payload: Uint8Array): Catalog {
  if (payload.length > maxBytes) {
    throw new CatalogError(`catalog of ${payload.length} bytes`);
  }
  const root = parseJson(payload);
  const tracks = list(root, "tracks");
  if (tracks.length > maxTracks) {
    throw new CatalogError(`catalog of ${tracks.length} tracks`);
  }
  const headers = inlineHeaders(list(root, "initDataList"));
  const swarm = parseSwarmKeys(root["swarm"]);
  return { tracks: tracks.flatMap((track) => parseTrack(track, headers, swarm !== null)), swarm };
}

function parseJson(payload: Uint8Array): Record<string, unknown> {
  let root: unknown;
  try {
    root = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch (error) {
    throw new CatalogError("catalog is no JSON", { cause: error });
  }
  if (!isRecord(root) || root["deltaUpdate"] !== undefined) {
    throw new CatalogError("not a whole catalog");
  }
  return root;
}

function inlineHeaders(entries: Record<string, unknown>[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const { id, type, data } of entries) {
    if (typeof id === "string" && type === "inline" && typeof data === "string") {
      headers.set(id, data);
    }
  }
  return headers;
}

function parseTrack(track: Record<string, unknown>, headers: Map<string, string>, signed: boolean): CatalogTrack[] {
  const { name, packaging, codec, initRef, channelConfig, beacons } = track;
  const kind = kindOf(track);
  const data = typeof initRef === "string" ? headers.get(initRef) : undefined;
  if (typeof name !== "string" || typeof codec !== "string" || packaging !== "cmaf" || !kind || !data) {
    return [];
  }
  const channels = typeof channelConfig === "string" ? Number(channelConfig) || 0 : 0;
  const plain = { name, kind, codec, channels, mime: `${kind}/mp4; codecs="${codec}"`, header: fromBase64(data) };
  return [signed && typeof beacons === "string" && beacons !== "" ? { ...plain, beacons } : plain];
}

/** The role is optional: dimensions and sample rates tell as well. */
function kindOf(track: Record<string, unknown>): Kind | undefined {
  const { role } = track;
  if (role === "video" || role === "audio") {
    return role;
  }
  if (role !== undefined) {
    return undefined;
  }
  if (track["samplerate"] !== undefined) {
    return "audio";
  }
  return track["width"] !== undefined ? "video" : undefined;
}

function fromBase64(data: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  } catch (error) {
    throw new CatalogError("init data is no base64", { cause: error });
  }
}

function list(root: Record<string, unknown>, field: string): Record<string, unknown>[] {
  const value = root[field] ?? [];
  if (!Array.isArray(value) || !value.every(isRecord)) {
    throw new CatalogError(`catalog field ${field} is no list of objects`);
  }
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
