/** What this browser is known by to its peers, for the length of one visit. */
export interface Identity {
  readonly certificate: RTCCertificate;
  /** SHA-256 in lower-case hex without colons. */
  readonly fingerprint: string;
}

export function peersSupported(): boolean {
  return typeof RTCPeerConnection !== "undefined" && typeof RTCPeerConnection.generateCertificate === "function";
}

export async function createIdentity(): Promise<Identity> {
  const algorithm: EcKeyGenParams = { name: "ECDSA", namedCurve: "P-256" };
  const certificate = await RTCPeerConnection.generateCertificate(algorithm);
  return { certificate, fingerprint: fingerprintOf(certificate) ?? (await offeredFingerprint(certificate)) };
}

function fingerprintOf(certificate: RTCCertificate): string | undefined {
  const all = typeof certificate.getFingerprints === "function" ? certificate.getFingerprints() : [];
  const found = all.find(({ algorithm }) => algorithm?.toLowerCase() === "sha-256");
  return found?.value && bare(found.value);
}

/** Browsers without getFingerprints name it in an offer, which goes nowhere. */
async function offeredFingerprint(certificate: RTCCertificate): Promise<string> {
  const connection = new RTCPeerConnection({ certificates: [certificate], iceServers: [] });
  try {
    connection.createDataChannel("");
    const [fingerprint] = fingerprintsIn((await connection.createOffer()).sdp ?? "");
    if (fingerprint === undefined) {
      throw new Error("this browser does not name its certificate");
    }
    return fingerprint;
  } finally {
    connection.close();
  }
}

/** The fingerprints of a description; those of other hashes are empty, which equals none. */
export function fingerprintsIn(sdp: string): string[] {
  const lines = sdp.matchAll(/^a=fingerprint:(\S+) +([0-9A-Fa-f:]+)\s*$/gm);
  return Array.from(lines, ([, hash, value]) => (hash?.toLowerCase() === "sha-256" ? bare(value ?? "") : ""));
}

/**
 * Whether a description of a peer is as it should be: one section, of data channels, and
 * no fingerprint but the one that the edge vouches for.
 */
export function acceptable(sdp: string, fingerprint: string): boolean {
  const sections = sdp.match(/^m=.*$/gm) ?? [];
  const found = fingerprintsIn(sdp);
  const named = (sdp.match(/^a=fingerprint:/gim) ?? []).length;
  const right = found.length > 0 && found.length === named && found.every((each) => each === fingerprint);
  return right && sections.length === 1 && (sections[0]?.startsWith("m=application ") ?? false);
}

function bare(value: string): string {
  return value.replaceAll(":", "").toLowerCase();
}
