/** What a session needs of WebTransport; tests hand in pairs of plain streams. */
export interface Transport {
  readonly closed: Promise<unknown>;
  readonly incomingUnidirectionalStreams: ReadableStream<ReadableStream<Uint8Array>>;
  readonly incomingBidirectionalStreams: ReadableStream<BidirectionalStream>;
  createUnidirectionalStream(): Promise<WritableStream<Uint8Array>>;
  createBidirectionalStream(): Promise<BidirectionalStream>;
  close(info?: { closeCode?: number; reason?: string }): void;
}

export interface BidirectionalStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** The protocols offered, newest first. */
export const protocols = ["moqt-18"];

export interface ConnectOptions {
  readonly url: string;
  /** SHA-256 of acceptable certificates in hex, for self-made ones. */
  readonly certificateHashes: readonly string[];
  readonly timeout: number;
}

/** The parts of the WebTransport specification younger than TypeScript's DOM library. */
interface OfferOptions extends WebTransportOptions {
  protocols: string[];
}

export function webTransportSupported(): boolean {
  return typeof WebTransport !== "undefined";
}

/** Opens a WebTransport session; it is closed again when that takes too long. */
export async function connect(options: ConnectOptions): Promise<WebTransport> {
  const offer: OfferOptions = { protocols, congestionControl: "low-latency" };
  if (options.certificateHashes.length > 0) {
    offer.serverCertificateHashes = options.certificateHashes.map((hash) => ({
      algorithm: "sha-256",
      value: fromHex(hash),
    }));
  }
  const transport = new WebTransport(options.url, offer);
  transport.closed.catch(() => undefined);
  const timer = setTimeout(() => transport.close(), options.timeout);
  try {
    await transport.ready;
  } finally {
    clearTimeout(timer);
  }
  return transport;
}

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const pairs = hex.match(/[0-9a-f]{2}/gi) ?? [];
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}

/** The reason to cancel or abort a stream with, so that the peer sees the code. */
export function streamError(code: number): unknown {
  try {
    return new WebTransportError("", { streamErrorCode: code });
  } catch {
    return olderStreamError(code);
  }
}

/** Chromium takes everything in one argument, as drafts of the specification had it. */
function olderStreamError(code: number): unknown {
  try {
    const Older = WebTransportError as unknown as new (init: { streamErrorCode: number }) => WebTransportError;
    return new Older({ streamErrorCode: code });
  } catch {
    return new CodedError(code);
  }
}

/** What a browser without WebTransport has in its place; QMux sends its code all the same. */
class CodedError extends Error {
  constructor(readonly streamErrorCode: number) {
    super(`stream cancelled, code ${streamErrorCode}`);
  }
}
