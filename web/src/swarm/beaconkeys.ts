// Whose beacons count: the catalog's object "swarm" (docs/swarm-protocol.md).
import { encodeQuicVarint } from "../wire/quicvarint.ts";
import { concat } from "../wire/writer.ts";
import { BeaconError, equalBytes, signatureSize, uint32, type Beacon, type Bytes } from "./beacon.ts";

export interface SwarmKeys {
  /** Certifies the session keys (Ed25519). */
  readonly streamKey: Bytes;
  readonly certificates: readonly Certificate[];
}

/** The stream key's word for a session key. */
export interface Certificate {
  readonly key: Bytes;
  /** Bounds of the time of beacons, in ms since the Unix epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** The first group that the key may speak of. */
  readonly minGroup: number;
  readonly signature: Bytes;
}

interface SessionKey {
  readonly id: number;
  readonly certificate: Certificate;
  readonly key: CryptoKey;
}

const keySize = 32;
const maxCertificates = 8;
const utf8 = new TextEncoder();

/** Reads the field "swarm" of a catalog; null when it is none, or breaks a rule. */
export function parseSwarmKeys(value: unknown): SwarmKeys | null {
  const { streamKey, certificates } = fields(value);
  if (!Array.isArray(certificates)) {
    return null;
  }
  try {
    const keys = { streamKey: base64(streamKey), certificates: certificates.map(parseCertificate) };
    validateKeys(keys);
    return keys;
  } catch {
    return null;
  }
}

function parseCertificate(value: unknown): Certificate {
  const { key, notBefore, notAfter, minGroup, signature } = fields(value);
  return {
    key: base64(key),
    notBefore: number(notBefore),
    notAfter: number(notAfter),
    minGroup: number(minGroup),
    signature: base64(signature),
  };
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function number(value: unknown): number {
  return typeof value === "number" ? value : NaN;
}

/** The standard alphabet with padding; atob alone would take less. */
function base64(value: unknown): Bytes {
  if (typeof value !== "string" || value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) {
    throw new BeaconError("malformed", "not base64");
  }
  return Uint8Array.from(atob(value), (char) => char.charCodeAt(0));
}

function validateKeys(keys: SwarmKeys): void {
  validateStreamKey(keys);
  keys.certificates.forEach(validateCertificate);
}

function validateStreamKey({ streamKey, certificates }: SwarmKeys): void {
  if (streamKey.length !== keySize || certificates.length > maxCertificates) {
    throw new BeaconError("malformed", `stream key of ${streamKey.length} bytes, ${certificates.length} certificates`);
  }
}

function validateCertificate(c: Certificate): void {
  const numbers = [c.notBefore, c.notAfter, c.minGroup].every((n) => Number.isSafeInteger(n) && n >= 0);
  if (c.key.length !== keySize || c.signature.length !== signatureSize || !numbers || c.notBefore >= c.notAfter) {
    throw new BeaconError("malformed", "no certificate");
  }
}

/** What a signature is of begins with its purpose, and the names that it is for. */
export function signedPrefix(domain: string, ...names: string[]): Bytes {
  const parts = names.flatMap((name) => {
    const bytes = utf8.encode(name);
    return [encodeQuicVarint(bytes.length), bytes];
  });
  return concat([utf8.encode(`${domain}\0`), ...parts]);
}

function signedByStream(namespace: string, c: Certificate): Bytes {
  const numbers = new DataView(new ArrayBuffer(24));
  [c.notBefore, c.notAfter, c.minGroup].forEach((n, i) => numbers.setBigUint64(8 * i, BigInt(n)));
  return concat([signedPrefix("freshet swarm key 1", namespace), c.key, new Uint8Array(numbers.buffer)]);
}

function importKey(raw: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
}

export function verifySignature(key: CryptoKey, signature: Bytes, message: Bytes): Promise<boolean> {
  return crypto.subtle.verify({ name: "Ed25519" }, key, signature, message);
}

/** The session keys that count for a broadcast. */
export class KeySet {
  private stream: Bytes | undefined;
  private list: SessionKey[] = [];

  constructor(
    private readonly namespace: string,
    private readonly pinned: Bytes | undefined,
  ) {}

  /**
   * Takes the keys of a catalog in place of those before. Certificates that do not
   * hold are left out, and the BeaconError tells; with another stream key than the
   * pinned one nothing changes.
   */
  async set(keys: SwarmKeys): Promise<void> {
    validateStreamKey(keys);
    if (this.pinned && !equalBytes(this.pinned, keys.streamKey)) {
      throw new BeaconError("stream_key");
    }
    const known = this.stream && equalBytes(this.stream, keys.streamKey) ? this.list : [];
    const results = await Promise.all(keys.certificates.map((c) => this.verify(keys.streamKey, c, known)));
    this.stream = keys.streamKey;
    this.list = results.flatMap((result) => (typeof result === "string" ? [] : [result]));
    const reason = (["malformed", "certificate"] as const).find((word) => results.includes(word));
    if (reason) {
      throw new BeaconError(reason);
    }
  }

  /** One that was verified before is not verified again: the catalog comes every two seconds. */
  private async verify(stream: Bytes, c: Certificate, known: SessionKey[]): Promise<SessionKey | "malformed" | "certificate"> {
    const before = known.find((k) => equalCertificates(k.certificate, c));
    if (before) {
      return before;
    }
    try {
      validateCertificate(c);
    } catch {
      return "malformed";
    }
    try {
      if (!(await verifySignature(await importKey(stream), c.signature, signedByStream(this.namespace, c)))) {
        return "certificate";
      }
      const id = uint32(new Uint8Array(await crypto.subtle.digest("SHA-256", c.key)));
      return { id, certificate: c, key: await importKey(c.key) };
    } catch {
      return "certificate"; // The bytes are no point of the curve.
    }
  }

  /** The keys that may have signed a beacon: IDs are short, so there may be two of one. */
  certified(b: Beacon): CryptoKey[] {
    let reason: "unknown_key" | "key_time" | "key_group" = "unknown_key";
    const keys: CryptoKey[] = [];
    for (const { id, certificate, key } of this.list) {
      if (id !== b.key) {
        continue;
      }
      if (b.time < certificate.notBefore || b.time > certificate.notAfter) {
        reason = "key_time";
      } else if (b.group < certificate.minGroup) {
        reason = "key_group";
      } else {
        keys.push(key);
      }
    }
    if (keys.length === 0) {
      throw new BeaconError(reason);
    }
    return keys;
  }
}

function equalCertificates(a: Certificate, b: Certificate): boolean {
  return (
    a.notBefore === b.notBefore &&
    a.notAfter === b.notAfter &&
    a.minGroup === b.minGroup &&
    equalBytes(a.key, b.key) &&
    equalBytes(a.signature, b.signature)
  );
}
