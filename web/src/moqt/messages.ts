import { ByteReader } from "../wire/reader.ts";
import { WireError } from "../wire/varint.ts";
import { ByteWriter } from "../wire/writer.ts";
import {
  MessageType,
  Parameter,
  absoluteStartFilter,
  largestObjectFilter,
  relativeJoiningFetch,
  setupImplementation,
} from "./codes.ts";

export interface Location {
  readonly group: number;
  readonly object: number;
}

export interface SubscribeRequest {
  readonly requestId: number;
  readonly namespace: readonly string[];
  readonly track: string;
  /** Lower is sent first. */
  readonly priority: number;
  /** The first object wanted; without it the one after the largest. */
  readonly from?: Location | undefined;
}

/** A Setup Option of even type, whose value is an integer. */
export interface SetupOption {
  readonly type: number;
  readonly value: number;
}

export interface SubscribeOk {
  readonly alias: number;
  /** Undefined while the track has no object yet. */
  readonly largest: Location | undefined;
}

export interface RequestError {
  readonly code: number;
  /** Milliseconds to wait before asking again; undefined: do not ask again. */
  readonly retryAfter: number | undefined;
  readonly reason: string;
}

export interface PublishDone {
  readonly code: number;
  readonly streams: bigint;
  readonly reason: string;
}

export interface Goaway {
  /** Empty: the same URI again. */
  readonly uri: string;
  readonly timeout: number;
}

const maxReason = 1024;
const maxUri = 8192;
const maxNamespace = 4096;

function message(type: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return new ByteWriter().varint(type).u16(payload.length).bytes(payload).finish();
}

/** SETUP, section 10.3; it is also what opens the control stream. The option's type is above that of the implementation. */
export function encodeSetup(implementation: string, option?: SetupOption): Uint8Array<ArrayBuffer> {
  const payload = new ByteWriter().varint(setupImplementation).text(implementation);
  if (option) {
    payload.varint(option.type - setupImplementation).varint(option.value);
  }
  return message(MessageType.Setup, payload.finish());
}

/** The value of an option of even type in the peer's SETUP. */
export function findSetupOption(payload: Uint8Array, wanted: number): bigint | undefined {
  const reader = new ByteReader(payload);
  let type = 0n;
  let found: bigint | undefined;
  while (reader.remaining > 0) {
    type += reader.varint();
    if (type % 2n === 1n) {
      reader.lengthPrefixed(reader.remaining);
      continue;
    }
    const value = reader.varint();
    if (type === BigInt(wanted)) {
      found ??= value;
    }
  }
  return found;
}

/** SUBSCRIBE, section 10.7. */
export function encodeSubscribe(request: SubscribeRequest): Uint8Array<ArrayBuffer> {
  const payload = new ByteWriter().varint(request.requestId).varint(request.namespace.length);
  for (const field of request.namespace) {
    payload.text(field);
  }
  payload.text(request.track).varint(2);
  payload.varint(Parameter.SubscriberPriority).u8(request.priority);
  payload.varint(Parameter.SubscriptionFilter - Parameter.SubscriberPriority);
  payload.lengthPrefixed(encodeFilter(request.from));
  return message(MessageType.Subscribe, payload.finish());
}

/** Section 5.1.2. */
function encodeFilter(from: Location | undefined): Uint8Array {
  return from
    ? new ByteWriter().varint(absoluteStartFilter).varint(from.group).varint(from.object).finish()
    : Uint8Array.of(largestObjectFilter);
}

/**
 * A relative joining FETCH (section 10.12.2) from the start of the group that is so
 * many groups before the newest at the subscription.
 */
export function encodeJoiningFetch(
  requestId: number,
  joining: number,
  priority: number,
  groupsBack = 0,
): Uint8Array<ArrayBuffer> {
  const payload = new ByteWriter().varint(requestId).varint(relativeJoiningFetch).varint(joining).varint(groupsBack);
  payload.varint(1).varint(Parameter.SubscriberPriority).u8(priority);
  return message(MessageType.Fetch, payload.finish());
}

export function parseSubscribeOk(payload: Uint8Array): SubscribeOk {
  const reader = new ByteReader(payload);
  const alias = reader.uint();
  const largest = readParameters(reader).largest;
  return { alias, largest };
}

export function parseRequestError(payload: Uint8Array): RequestError {
  const reader = new ByteReader(payload);
  const code = Number(reader.varint());
  const retry = reader.varint();
  const reason = reader.text(maxReason);
  return { code, retryAfter: retry === 0n ? undefined : Number(retry) - 1, reason };
}

export function parsePublishDone(payload: Uint8Array): PublishDone {
  const reader = new ByteReader(payload);
  return { code: Number(reader.varint()), streams: reader.varint(), reason: reader.text(maxReason) };
}

export function parseGoaway(payload: Uint8Array): Goaway {
  const reader = new ByteReader(payload);
  return { uri: reader.text(maxUri), timeout: Number(reader.varint()) };
}

/**
 * Message parameters cannot be skipped (section 10.2): each known type has its
 * own encoding, and an unknown one ends the session.
 */
function readParameters(reader: ByteReader): { largest: Location | undefined } {
  let type = 0n;
  let largest: Location | undefined;
  for (let count = reader.varint(); count > 0n; count--) {
    type += reader.varint();
    switch (Number(type)) {
      case Parameter.LargestObject:
        largest = { group: reader.uint(), object: reader.uint() };
        break;
      case Parameter.Forward:
      case Parameter.SubscriberPriority:
      case Parameter.GroupOrder:
        reader.u8();
        break;
      case Parameter.AuthorizationToken:
      case Parameter.SubscriptionFilter:
        reader.lengthPrefixed(0xffff);
        break;
      case Parameter.TrackNamespacePrefix:
        skipNamespace(reader);
        break;
      case Parameter.ObjectDeliveryTimeout:
      case Parameter.RendezvousTimeout:
      case Parameter.SubgroupDeliveryTimeout:
      case Parameter.Expires:
      case Parameter.FillTimeout:
      case Parameter.NewGroupRequest:
        reader.varint();
        break;
      default:
        throw new WireError(`unknown message parameter ${type}`);
    }
  }
  return { largest };
}

function skipNamespace(reader: ByteReader): void {
  for (let count = reader.varint(); count > 0n; count--) {
    reader.lengthPrefixed(maxNamespace);
  }
}
