import { concat } from "../wire/writer.ts";
import { BeaconError, decodeBeacon, equalBytes, signatureSize, type Beacon, type Bytes } from "./beacon.ts";
import { KeySet, signedPrefix, verifySignature, type SwarmKeys } from "./beaconkeys.ts";
import { BeaconWindow } from "./beaconwindow.ts";

export interface BeaconVerifierConfig {
  /** In path form. */
  readonly namespace: string;
  /** The video track. */
  readonly track: string;
  /** T, in ms. */
  readonly delay: number;
  /**
   * If set, the only stream key that counts; otherwise the catalog is believed, and so
   * is whoever brings it.
   */
  readonly streamKey?: Bytes | undefined;
}

/**
 * How much more than the playout delay a beacon's time may be off, in ms: for the way
 * from the packager, and for two clocks.
 */
const leeway = 5000;

export type PieceVerdict = "genuine" | "unknown" | "old" | "wrong";

/** Knows the newest beacons of one track. */
export class BeaconVerifier {
  private readonly keys: KeySet;
  private readonly prefix: Bytes;
  private readonly known = new BeaconWindow();
  private delay: number;
  /** Keys and beacons are taken one after the other: WebCrypto answers later. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(config: BeaconVerifierConfig) {
    this.keys = new KeySet(config.namespace, config.streamKey);
    this.prefix = signedPrefix("freshet beacon 1", config.namespace, config.track);
    this.delay = config.delay;
  }

  /**
   * Takes the keys of the newest catalog in place of those before. Beacons that were
   * verified stay. Rejects with BeaconError "malformed" or "certificate", for those that
   * are left out, and "stream_key", at which nothing changes.
   */
  setKeys(keys: SwarmKeys): Promise<void> {
    return this.inTurn(() => this.keys.set(keys));
  }

  setDelay(delay: number): void {
    this.delay = delay;
  }

  /**
   * Verifies a beacon and remembers it; now is the server's clock in ms. One that is
   * known with the same bytes is nothing wrong: fresh is false. Rejects with
   * BeaconError; after "unknown_key" it may count with the next catalog, all other
   * reasons are final.
   */
  add(now: number, raw: Bytes): Promise<{ beacon: Beacon; fresh: boolean }> {
    return this.inTurn(() => this.take(now, raw));
  }

  /** The beacon that speaks of a piece, and the piece's place in it. */
  find(id: { readonly g: number; readonly n: number }): { beacon: Beacon; index: number } | undefined {
    const beacon = this.known.piece(id.g, id.n);
    return beacon && { beacon, index: id.n - beacon.first };
  }

  /**
   * Whether a piece is what was signed. "unknown": no beacon speaks of it yet, it may be
   * held, never passed on; "old": none will.
   */
  async piece(id: { readonly g: number; readonly n: number }, bytes: Bytes): Promise<PieceVerdict> {
    const found = this.find(id);
    if (!found) {
      return this.known.gone(id.g, id.n) ? "old" : "unknown";
    }
    const { beacon, index } = found;
    const hash = beacon.hashes[index];
    if (!hash || bytes.length !== beacon.sizes[index]) {
      return "wrong";
    }
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return equalBytes(sum, hash) ? "genuine" : "wrong";
  }

  private async take(now: number, raw: Bytes): Promise<{ beacon: Beacon; fresh: boolean }> {
    const beacon = decodeBeacon(raw);
    const old = this.known.chunk(beacon.group, beacon.chunk);
    if (old && equalBytes(old.raw, raw)) {
      return { beacon: old, fresh: false };
    }
    await this.check(now, beacon);
    if (old) {
      throw new BeaconError("conflict");
    }
    this.known.add(beacon);
    return { beacon, fresh: true };
  }

  /** Whether a beacon counts by itself: what is cheap first. */
  private async check(now: number, b: Beacon): Promise<void> {
    const keys = this.keys.certified(b);
    const age = now - b.time;
    const limit = this.delay + leeway;
    if (age > limit || age < -limit) {
      throw new BeaconError(age > 0 ? "stale" : "future", `${age} ms old`);
    }
    if (this.known.left(b.group, b.chunk)) {
      throw new BeaconError("old");
    }
    const signed = concat([this.prefix, b.raw.subarray(0, b.raw.length - signatureSize)]);
    for (const key of keys) {
      if (await verifySignature(key, b.signature, signed)) {
        return;
      }
    }
    throw new BeaconError("signature");
  }

  private inTurn<T>(f: () => Promise<T>): Promise<T> {
    const result = this.last.then(f);
    this.last = result.catch(() => undefined);
    return result;
  }
}
