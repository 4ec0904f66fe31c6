import { StreamReader } from "../wire/streamreader.ts";
import { WireError } from "../wire/varint.ts";
import { ByteWriter } from "../wire/writer.ts";
import { MessageType, ResetCode, SessionCode, StreamType } from "./codes.ts";
import { readMessages } from "./controlstream.ts";
import { isSubgroupType, readSubgroupHeader } from "./datastream.ts";
import {
  type Goaway,
  type Location,
  type SetupOption,
  encodeJoiningFetch,
  encodeSetup,
  encodeSubscribe,
  findSetupOption,
  parseGoaway,
} from "./messages.ts";
import { RequestStream } from "./request.ts";
import { Subscription, type TrackHandler } from "./subscription.ts";
import { type BidirectionalStream, type Transport, streamError } from "./transport.ts";
import { Waiters } from "./waiters.ts";

export interface SessionConfig {
  readonly implementation: string;
  readonly onGoaway: (goaway: Goaway) => void;
  /** Something came on a unidirectional stream. */
  readonly onData?: () => void;
  readonly extension?: Extension;
}

/** What goes beyond the draft, where both sides name it in SETUP. */
export interface Extension {
  readonly option: SetupOption;
  /** Of the unidirectional streams that the server opens for it. */
  readonly streamType: number;
  /** The type has been read. Rejections end that stream alone. */
  readonly onStream: (stream: StreamReader) => Promise<void>;
}

/** A bidirectional stream of an extension, its type written. */
export interface ExtensionStream {
  readonly reader: StreamReader;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
}

export interface TrackRequest {
  readonly namespace: readonly string[];
  readonly track: string;
  readonly priority: number;
  /** How many groups before the newest are wanted, too; none by default. */
  readonly groupsBack?: number;
  /** The first object wanted, instead of the start of a group: nothing is fetched then. */
  readonly from?: Location | undefined;
}

/** Streams a peer may have open at once; a group or two per track is normal. */
const maxStreams = 64;
/** How long data may come before the answer that names its track. */
const aliasPatience = 2000;
const notSupported = 0x3;

/**
 * The subscriber's half of a MoQT session (draft-ietf-moq-transport-18): SETUP,
 * SUBSCRIBE with a joining FETCH, their data streams, GOAWAY. What a peer asks of
 * us is answered NOT_SUPPORTED.
 */
export class Session {
  /** Resolves with the reason when the session has ended. */
  readonly closed: Promise<string>;
  /** Whether the server speaks the extension; false once the session has ended without its SETUP. */
  readonly extended: Promise<boolean>;
  private readonly subscriptions = new Set<Subscription>();
  private readonly aliases = new Waiters<Subscription>();
  private readonly fetches = new Map<number, Subscription>();
  private nextRequestId = 0;
  private openStreams = 0;
  private over = false;
  private resolveClosed: (reason: string) => void = () => undefined;
  private resolveExtended: (agreed: boolean) => void = () => undefined;

  private constructor(
    private readonly transport: Transport,
    private readonly config: SessionConfig,
  ) {
    this.closed = new Promise((resolve) => (this.resolveClosed = resolve));
    this.extended = new Promise((resolve) => (this.resolveExtended = resolve));
  }

  /** Starts a session on an open transport; our SETUP does not wait for theirs. */
  static async start(transport: Transport, config: SessionConfig): Promise<Session> {
    const session = new Session(transport, config);
    transport.closed.then(
      () => session.finish("connection closed"),
      (error: unknown) => session.finish(`connection lost: ${describe(error)}`),
    );
    void session.acceptStreams();
    void session.acceptRequests();
    const control = (await transport.createUnidirectionalStream()).getWriter();
    control.closed.catch(() => undefined);
    await control.write(encodeSetup(config.implementation, config.extension?.option));
    return session;
  }

  /** Asks for a track from the start of its newest group, or of one before. */
  subscribe(request: TrackRequest, handler: TrackHandler): Subscription {
    const subscription = new Subscription(handler);
    this.subscriptions.add(subscription);
    const requestId = this.takeRequestId();
    const opener = encodeSubscribe({ requestId, ...request });
    const answered = this.guard(this.runSubscribe(subscription, opener));
    void answered.finally(() => this.subscriptions.delete(subscription));
    if (!request.from) {
      void this.guard(this.runFetch(subscription, requestId, request));
    }
    return subscription;
  }

  /** Opens a stream of the extension. */
  async openStream(type: number): Promise<ExtensionStream> {
    const { readable, writable } = await this.transport.createBidirectionalStream();
    const writer = writable.getWriter();
    writer.closed.catch(() => undefined);
    await writer.write(new ByteWriter().varint(type).finish());
    return { reader: new StreamReader(readable), writer };
  }

  /** Ends a subscription; what is still under way for it is discarded. */
  unsubscribe(subscription: Subscription): void {
    subscription.cancel();
    this.subscriptions.delete(subscription);
    if (subscription.alias !== undefined) {
      this.aliases.delete(subscription.alias);
    }
  }

  close(code: number = SessionCode.NoError, reason = "closed by the player"): void {
    if (!this.over) {
      this.finish(reason);
      this.transport.close({ closeCode: code, reason });
    }
  }

  private takeRequestId(): number {
    const id = this.nextRequestId;
    this.nextRequestId += 2;
    return id;
  }

  private async runSubscribe(subscription: Subscription, opener: Uint8Array): Promise<void> {
    const stream = await RequestStream.open(this.transport, opener);
    subscription.own(stream);
    try {
      await subscription.readSubscribe(stream, (alias) => this.aliases.set(alias, subscription));
    } finally {
      subscription.end({ kind: "lost" });
    }
  }

  private async runFetch(subscription: Subscription, joining: number, request: TrackRequest): Promise<void> {
    const { priority, groupsBack } = request;
    for (let tries = 0; tries < 2; tries++) {
      const requestId = this.takeRequestId();
      this.fetches.set(requestId, subscription);
      const stream = await RequestStream.open(this.transport, encodeJoiningFetch(requestId, joining, priority, groupsBack));
      subscription.own(stream);
      if (!(await subscription.readFetchAnswer(stream))) {
        return;
      }
      this.fetches.delete(requestId);
    }
  }

  private async acceptStreams(): Promise<void> {
    const incoming = this.transport.incomingUnidirectionalStreams.getReader();
    for (;;) {
      const { value, done } = await incoming.read().catch(() => ({ value: undefined, done: true as const }));
      if (done || !value) {
        return;
      }
      void this.guard(this.readStream(new StreamReader(value, this.config.onData)));
    }
  }

  private async readStream(stream: StreamReader): Promise<void> {
    if (this.openStreams >= maxStreams) {
      stream.cancel(streamError(ResetCode.ExcessiveLoad));
      return;
    }
    this.openStreams++;
    try {
      await this.dispatch(await stream.uint(), stream);
    } finally {
      this.openStreams--;
    }
  }

  private async dispatch(type: number, stream: StreamReader): Promise<void> {
    if (isSubgroupType(type)) {
      const header = await readSubgroupHeader(type, stream);
      const subscription = await this.aliases.get(header.alias, aliasPatience);
      return subscription?.readSubgroupStream(header, stream) ?? stream.cancel(streamError(ResetCode.Cancelled));
    }
    const { extension } = this.config;
    if (extension && type === extension.streamType) {
      return extension.onStream(stream).catch(() => stream.cancel(streamError(ResetCode.Cancelled)));
    }
    switch (type) {
      case StreamType.Fetch:
        return this.readFetch(await stream.uint(), stream);
      case StreamType.Setup:
        return this.readControl(stream);
      case StreamType.Padding:
        return stream.discard();
      default:
        throw new WireError(`unknown stream type 0x${type.toString(16)}`);
    }
  }

  private async readFetch(requestId: number, stream: StreamReader): Promise<void> {
    const subscription = this.fetches.get(requestId);
    this.fetches.delete(requestId);
    if (!subscription || !this.subscriptions.has(subscription)) {
      return stream.cancel(streamError(ResetCode.Cancelled));
    }
    return subscription.readFetchStream(stream);
  }

  /** The stream type was the type of SETUP, whose other options concern publishers. */
  private async readControl(stream: StreamReader): Promise<void> {
    const options = await stream.bytes(((await stream.u8()) << 8) | (await stream.u8()));
    const own = this.config.extension?.option;
    this.resolveExtended(own !== undefined && findSetupOption(options, own.type) === BigInt(own.value));
    for await (const message of readMessages(stream)) {
      if (message.type !== MessageType.Goaway) {
        throw new WireError(`message 0x${message.type.toString(16)} on the control stream`);
      }
      this.config.onGoaway(parseGoaway(message.payload));
    }
    throw new WireError("control stream closed");
  }

  private async acceptRequests(): Promise<void> {
    const incoming = this.transport.incomingBidirectionalStreams.getReader();
    for (;;) {
      const { value, done } = await incoming.read().catch(() => ({ value: undefined, done: true as const }));
      if (done || !value) {
        return;
      }
      void this.guard(refuse(value));
    }
  }

  /** Ends the session on a violation; a reset stream only ends itself. */
  private async guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (error instanceof WireError) {
        this.close(SessionCode.ProtocolViolation, error.message);
      }
    }
  }

  private finish(reason: string): void {
    if (this.over) {
      return;
    }
    this.over = true;
    this.aliases.clear();
    this.fetches.clear();
    for (const subscription of this.subscriptions) {
      subscription.end({ kind: "lost" });
    }
    this.subscriptions.clear();
    this.resolveExtended(false);
    this.resolveClosed(reason);
  }
}

async function refuse(stream: BidirectionalStream): Promise<void> {
  const answer = new ByteWriter().varint(notSupported).varint(0).text("this is a player").finish();
  const writer = stream.writable.getWriter();
  await writer.write(new ByteWriter().varint(MessageType.RequestError).u16(answer.length).bytes(answer).finish());
  await writer.close();
  await stream.readable.cancel(streamError(ResetCode.Cancelled));
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
