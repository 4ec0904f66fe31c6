import type { StreamReader } from "../wire/streamreader.ts";
import { WireError } from "../wire/varint.ts";
import { MessageType, RequestCode, ResetCode } from "./codes.ts";
import { type MoqObject, type SubgroupHeader, readFetch, readSubgroup } from "./datastream.ts";
import {
  type PublishDone,
  type RequestError,
  type SubscribeOk,
  parsePublishDone,
  parseRequestError,
  parseSubscribeOk,
} from "./messages.ts";
import type { RequestStream } from "./request.ts";
import { streamError } from "./transport.ts";

/** Why no more objects will come. */
export type TrackEnd =
  | { readonly kind: "rejected"; readonly error: RequestError }
  | { readonly kind: "done"; readonly done: PublishDone }
  | { readonly kind: "moved" }
  | { readonly kind: "lost" };

/**
 * Receives one track. Objects of a group come in order on each stream; the
 * group that was newest at the subscription comes on two, its beginning by FETCH.
 */
export interface TrackHandler {
  onSubscribed(ok: SubscribeOk): void;
  onObject(object: MoqObject): void;
  onGroupOpen(group: number): void;
  /** complete is false after a reset: objects of the group are missing. */
  onGroupEnd(group: number, complete: boolean): void;
  /** The joining FETCH is through; false: the group's beginning cannot be had. */
  onJoined(complete: boolean): void;
  onEnd(end: TrackEnd): void;
}

/** One SUBSCRIBE with its joining FETCH, and the data streams of both. */
export class Subscription {
  alias: number | undefined;
  private readonly streams = new Map<StreamReader, number>();
  private readonly requests: RequestStream[] = [];
  private ended = false;
  private joined = false;

  constructor(private readonly handler: TrackHandler) {}

  /** Adds a request stream, which is given up together with the subscription. */
  own(request: RequestStream): void {
    this.requests.push(request);
    if (this.ended) {
      request.cancel();
    }
  }

  /** Reads the answers to SUBSCRIBE; onAlias comes before any object. */
  async readSubscribe(request: RequestStream, onAlias: (alias: number) => void): Promise<void> {
    for await (const message of request.messages()) {
      switch (message.type) {
        case MessageType.SubscribeOk:
          this.accept(parseSubscribeOk(message.payload), onAlias);
          break;
        case MessageType.RequestError:
          return this.end({ kind: "rejected", error: parseRequestError(message.payload) });
        case MessageType.PublishDone:
          return this.end({ kind: "done", done: parsePublishDone(message.payload) });
        case MessageType.Goaway:
          return this.end({ kind: "moved" });
        default:
          throw new WireError(`message 0x${message.type.toString(16)} on a subscription`);
      }
    }
    this.end({ kind: "lost" });
  }

  /** Reads the answers to FETCH; true asks to send it again. */
  async readFetchAnswer(request: RequestStream): Promise<boolean> {
    for await (const message of request.messages()) {
      if (message.type === MessageType.RequestError) {
        return this.fetchRejected(parseRequestError(message.payload));
      }
      if (message.type !== MessageType.FetchOk) {
        throw new WireError(`message 0x${message.type.toString(16)} on a fetch`);
      }
    }
    return false;
  }

  async readSubgroupStream(header: SubgroupHeader, stream: StreamReader): Promise<void> {
    this.streams.set(stream, header.group);
    this.handler.onGroupOpen(header.group);
    let complete = false;
    try {
      for await (const object of readSubgroup(header, stream)) {
        this.handler.onObject(object);
      }
      complete = true;
    } finally {
      this.streams.delete(stream);
      this.handler.onGroupEnd(header.group, complete);
    }
  }

  async readFetchStream(stream: StreamReader): Promise<void> {
    this.streams.set(stream, -1);
    let complete = false;
    try {
      for await (const object of readFetch(stream)) {
        this.handler.onObject(object);
      }
      complete = true;
    } finally {
      this.streams.delete(stream);
      this.settleJoin(complete);
    }
  }

  /** Gives up the streams of a group that playback has left behind. */
  abandonGroup(group: number): void {
    for (const [stream, its] of this.streams) {
      if (its === group) {
        stream.cancel(streamError(ResetCode.Cancelled));
      }
    }
  }

  cancel(): void {
    this.ended = true;
    this.requests.forEach((request) => request.cancel());
    for (const stream of this.streams.keys()) {
      stream.cancel(streamError(ResetCode.Cancelled));
    }
  }

  end(end: TrackEnd): void {
    if (!this.ended) {
      this.ended = true;
      this.handler.onEnd(end);
    }
  }

  private accept(ok: SubscribeOk, onAlias: (alias: number) => void): void {
    if (this.alias !== undefined) {
      throw new WireError("two SUBSCRIBE_OK for one subscription");
    }
    this.alias = ok.alias;
    this.handler.onSubscribed(ok);
    onAlias(ok.alias);
  }

  /**
   * Streams are not ordered among each other: a FETCH that overtook its
   * SUBSCRIBE names a subscription that the peer does not know yet.
   */
  private fetchRejected(error: RequestError): boolean {
    if (error.code === RequestCode.InvalidJoiningRequestId && this.alias === undefined) {
      return true;
    }
    this.settleJoin(false);
    return false;
  }

  private settleJoin(complete: boolean): void {
    if (!this.joined) {
      this.joined = true;
      this.handler.onJoined(complete);
    }
  }
}
