import { type Beacon, BeaconError, type Bytes } from "./beacon.ts";
import { PendingPieces } from "./beaconpending.ts";
import type { SwarmKeys } from "./beaconkeys.ts";
import { BeaconVerifier, type BeaconVerifierConfig } from "./beaconverifier.ts";
import type { PieceID } from "./piece.ts";
import { PieceStore } from "./store.ts";

/** Somebody's piece, which nobody has verified. */
export interface Arrival {
  /** A peer's number; 0 the edge, hedged: as an answer to a hedge. */
  readonly from: number;
  readonly id: PieceID;
  readonly bytes: Bytes;
  readonly hedged: boolean;
}

export interface IntakeHandler {
  /** A beacon counts, and is new. */
  onBeacon(beacon: Beacon): void;
  /** A piece is what was signed; it may have been there before. */
  onGenuine(arrival: Arrival): void;
  /** It is not; beacon is what it should have been. */
  onForged(arrival: Arrival, beacon: Beacon): void;
  /** A peer's beacon is not the packager's. */
  onFalseBeacon(from: number, raw: Bytes): void;
  onChunk(group: number, chunk: number, payload: Bytes): void;
}

/** Reasons against a beacon that an honest peer may give cause for: it knows a newer catalog, or an older chunk. */
const harmless = new Set(["unknown_key", "stale", "old", "key_time", "future"]);
const maxUnknown = 64;

/**
 * Verifies what comes, whoever sent it: nothing is played or passed on before. Answers
 * of WebCrypto come later, so everything here is told by the handler.
 */
export class Intake {
  private readonly verifier: BeaconVerifier;
  private readonly pending = new PendingPieces();
  private readonly store = new PieceStore();
  /** Beacons of a key that the next catalog may certify. */
  private unknown: Bytes[] = [];

  constructor(
    config: BeaconVerifierConfig,
    private readonly handler: IntakeHandler,
    private readonly serverNow: () => number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.verifier = new BeaconVerifier(config);
  }

  setDelay(delay: number): void {
    this.verifier.setDelay(delay);
  }

  /** A certificate that does not hold is left out: its beacons then do not count. */
  async setKeys(keys: SwarmKeys): Promise<void> {
    await this.verifier.setKeys(keys).catch(() => undefined);
    await Promise.all(this.unknown.splice(0).map((raw) => this.takeBeacon(0, raw)));
  }

  /** from: 0 for the edge. */
  async takeBeacon(from: number, raw: Bytes): Promise<void> {
    try {
      const { beacon, fresh } = await this.verifier.add(this.serverNow(), raw);
      if (fresh) {
        this.handler.onBeacon(beacon);
        this.release(beacon);
      }
    } catch (error) {
      if (!(error instanceof BeaconError)) {
        throw error;
      }
      this.refuse(from, raw, error);
    }
  }

  async take(arrival: Arrival): Promise<void> {
    const found = this.verifier.find(arrival.id);
    if (!found) {
      this.hold(arrival);
      return;
    }
    const verdict = await this.verifier.piece(arrival.id, arrival.bytes);
    if (verdict === "wrong") {
      this.handler.onForged(arrival, found.beacon);
    } else if (verdict === "genuine") {
      this.keep(arrival, found.beacon, found.index);
    }
  }

  /** The beacon and the bytes of a piece that is here. */
  get(id: PieceID): { beacon: Beacon; bytes: Bytes } | undefined {
    const found = this.verifier.find(id);
    const bytes = found && this.store.get(found.beacon, found.index);
    return found && bytes && { beacon: found.beacon, bytes };
  }

  /** Forgets what a peer sent that waits for its beacon. */
  forget(from: number): void {
    this.pending.drop(from);
  }

  /** To be called about twenty times a second. */
  tick(): void {
    this.pending.expire(this.now());
  }

  /** What is told first is that it is there: whoever hears of the chunk may play it. */
  private keep(arrival: Arrival, beacon: Beacon, index: number): void {
    const payload = this.store.put(beacon, index, arrival.bytes);
    this.handler.onGenuine(arrival);
    if (payload) {
      this.handler.onChunk(beacon.group, beacon.chunk, payload);
    }
  }

  /** Hedges are for pieces that a beacon has spoken of: what is held is no answer to one. */
  private hold({ from, id, bytes }: Arrival): void {
    this.pending.add(this.now(), from, id, bytes);
  }

  private release(beacon: Beacon): void {
    for (const { from, id, bytes } of this.pending.take(beacon)) {
      void this.take({ from, id, bytes, hedged: false });
    }
  }

  private refuse(from: number, raw: Bytes, error: BeaconError): void {
    if (from !== 0) {
      if (!harmless.has(error.reason)) {
        this.handler.onFalseBeacon(from, raw);
      }
    } else if (error.reason === "unknown_key" && this.unknown.length < maxUnknown) {
      this.unknown.push(raw);
    }
  }
}
