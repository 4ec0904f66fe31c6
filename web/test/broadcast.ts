import type { Bytes } from "../src/swarm/beacon.ts";
import { type SwarmKeys, signedPrefix } from "../src/swarm/beaconkeys.ts";
import { encodeQuicVarint } from "../src/wire/quicvarint.ts";
import { concat } from "../src/wire/writer.ts";

export interface SignedChunk {
  readonly group: number;
  readonly chunk: number;
  readonly first: number;
  readonly payload: Bytes;
  readonly pieces: readonly Bytes[];
  readonly beacon: Bytes;
}

const raw = async (key: CryptoKey) => new Uint8Array(await crypto.subtle.exportKey("raw", key));
const sign = async (key: CryptoKey, bytes: Bytes) => new Uint8Array(await crypto.subtle.sign("Ed25519", key, bytes));
const sha256 = async (bytes: Bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const pair = () => crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]) as Promise<CryptoKeyPair>;

/** A packager: signs the chunks of one track. */
export class Broadcast {
  private constructor(
    readonly keys: SwarmKeys,
    private readonly session: CryptoKey,
    private readonly keyId: Bytes,
    private readonly prefix: Bytes,
  ) {}

  static async create(namespace = "live/cam1", track = "video"): Promise<Broadcast> {
    const stream = await pair();
    const session = await pair();
    const key = await raw(session.publicKey);
    const [notBefore, notAfter, minGroup] = [Date.now() - 60_000, Date.now() + 3_600_000, 0];
    const numbers = new DataView(new ArrayBuffer(24));
    [notBefore, notAfter, minGroup].forEach((n, i) => numbers.setBigUint64(8 * i, BigInt(n)));
    const certified = concat([signedPrefix("freshet swarm key 1", namespace), key, new Uint8Array(numbers.buffer)]);
    const certificate = { key, notBefore, notAfter, minGroup, signature: await sign(stream.privateKey, certified) };
    const keys = { streamKey: await raw(stream.publicKey), certificates: [certificate] };
    return new Broadcast(keys, session.privateKey, (await sha256(key)).slice(0, 4), signedPrefix("freshet beacon 1", namespace, track));
  }

  /** A chunk of so many bytes in pieces of `each`, the first of which has the number `first`; pts in microseconds. */
  async chunk(group: number, chunk: number, first: number, size: number, each: number, pts: number): Promise<SignedChunk> {
    const payload = crypto.getRandomValues(new Uint8Array(size));
    const pieces = Array.from({ length: Math.ceil(size / each) }, (_, i) => payload.slice(i * each, (i + 1) * each));
    const ints = [group, chunk, first, pts, Date.now(), pieces.length, ...pieces.map(({ length }) => length)];
    const hashes = await Promise.all(pieces.map(sha256));
    const body = concat([Uint8Array.of(1), this.keyId, ...ints.map(encodeQuicVarint), ...hashes]);
    const beacon = concat([body, await sign(this.session, concat([this.prefix, body]))]);
    return { group, chunk, first, payload, pieces, beacon };
  }
}
