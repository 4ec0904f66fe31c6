// As much of WebRTC as a link uses: connections find each other by their descriptions, and
// channels hand messages over a moment later, in order.
export class FakeChannel {
  binaryType = "blob";
  readyState = "connecting";
  bufferedAmount = 0;
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  other: FakeChannel | undefined;
  /** What the other side is to get instead. */
  tamper: (data: Uint8Array<ArrayBuffer>) => unknown = (data) => data.buffer;

  constructor(readonly label: string) {}

  send(data: Uint8Array<ArrayBuffer>): void {
    if (this.readyState !== "open") {
      throw new DOMException("not open", "InvalidStateError");
    }
    const copy = this.tamper(data.slice());
    queueMicrotask(() => this.other?.readyState === "open" && this.other.onmessage?.({ data: copy }));
  }

  become(state: "open" | "closed"): void {
    if (this.readyState !== state) {
      this.readyState = state;
      (state === "open" ? this.onopen : this.onclose)?.();
    }
  }
}

const byName = new Map<string, FakeConnection>();
let count = 0;

export class FakeConnection {
  static readonly all: FakeConnection[] = [];
  readonly channels: FakeChannel[] = [];
  readonly name = `fake${count++}`;
  connectionState = "new";
  localDescription: RTCSessionDescriptionInit | null = null;
  remoteDescription: RTCSessionDescriptionInit | null = null;
  readonly candidates: unknown[] = [];
  onicecandidate: ((event: { candidate: unknown }) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;

  constructor(readonly config: RTCConfiguration) {
    byName.set(this.name, this);
    FakeConnection.all.push(this);
  }

  createDataChannel(label: string): FakeChannel {
    const channel = new FakeChannel(label);
    this.channels.push(channel);
    return channel;
  }

  async createOffer(): Promise<RTCSessionDescriptionInit> {
    return { type: "offer", sdp: this.sdp };
  }

  async createAnswer(): Promise<RTCSessionDescriptionInit> {
    return { type: "answer", sdp: this.sdp };
  }

  async setLocalDescription(description: RTCSessionDescriptionInit): Promise<void> {
    this.localDescription = description;
    this.onicecandidate?.({ candidate: { candidate: `candidate:1 1 udp 1 ${this.name} 9 typ host`, sdpMid: "0", sdpMLineIndex: 0 } });
    this.onicecandidate?.({ candidate: null });
    this.meet();
  }

  async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    this.remoteDescription = description;
    this.meet();
  }

  async addIceCandidate(candidate: unknown): Promise<void> {
    this.candidates.push(candidate);
  }

  close(): void {
    this.connectionState = "closed";
    const other = this.other;
    this.channels.forEach((channel) => (channel.readyState = "closed"));
    queueMicrotask(() => other?.channels.forEach((channel) => channel.become("closed")));
  }

  get other(): FakeConnection | undefined {
    return byName.get(/a=name:(\S+)/.exec(this.remoteDescription?.sdp ?? "")?.[1] ?? "");
  }

  private get sdp(): string {
    const fingerprint = (this.config.certificates?.[0] as unknown as { fingerprint: string }).fingerprint;
    const colons = (fingerprint.match(/../g) ?? []).join(":").toUpperCase();
    return `v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=name:${this.name}\r\na=fingerprint:sha-256 ${colons}\r\n`;
  }

  private meet(): void {
    const { other } = this;
    if (!other || !this.localDescription || !other.localDescription || !other.remoteDescription) {
      return;
    }
    queueMicrotask(() => {
      this.channels.forEach((channel, i) => {
        channel.other = other.channels[i];
        channel.other!.other = channel;
      });
      for (const channel of [...this.channels, ...other.channels]) {
        channel.become("open");
      }
    });
  }
}

export const createFake = (config: RTCConfiguration) => new FakeConnection(config) as unknown as RTCPeerConnection;

/** A certificate is known by its fingerprint alone here. */
export function fakeIdentity(digit: string): { certificate: RTCCertificate; fingerprint: string } {
  const fingerprint = digit.repeat(64);
  return { certificate: { fingerprint } as unknown as RTCCertificate, fingerprint };
}
