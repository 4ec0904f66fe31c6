import type { Bytes } from "./beacon.ts";

// RFC 8032, section 7.1, TEST 2: the key, and its signature of the one byte 0x72.
const key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
const signature =
  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
  "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

/**
 * Whether this browser can verify beacons: Ed25519 in WebCrypto (Chromium 137, Firefox
 * 129, Safari 17), and a secure context. Where it cannot, the swarm is off, with the
 * reason "unsupported".
 */
export async function beaconsSupported(subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle): Promise<boolean> {
  try {
    return subtle !== undefined && (await works(subtle));
  } catch {
    return false;
  }
}

async function works(subtle: SubtleCrypto): Promise<boolean> {
  const imported = await subtle.importKey("raw", bytes(key), { name: "Ed25519" }, false, ["verify"]);
  const holds = (text: string) => subtle.verify({ name: "Ed25519" }, imported, bytes(signature), bytes(text));
  return (await holds("72")) && !(await holds("73"));
}

function bytes(hex: string): Bytes {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
