import type { StreamReader } from "../wire/streamreader.ts";
import { WireError, safeNumber } from "../wire/varint.ts";
import { ObjectStatus } from "./codes.ts";

/** An object as it came; no payload means that it only carries its status. */
export interface MoqObject {
  readonly group: number;
  readonly object: number;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly status: number;
}

export interface SubgroupHeader {
  readonly alias: number;
  readonly group: number;
  readonly hasProperties: boolean;
}

/** One video frame is one object: a key frame beyond this is no live picture. */
export const maxObjectBytes = 8 << 20;
const maxPropertiesBytes = 64 << 10;

/** Type values 0b0XX1XXXX, section 11.4.2. */
export function isSubgroupType(type: number): boolean {
  return type <= 0x7f && (type & 0x90) === 0x10;
}

export async function readSubgroupHeader(type: number, stream: StreamReader): Promise<SubgroupHeader> {
  const mode = (type >> 1) & 0x3;
  if (!isSubgroupType(type) || mode === 3) {
    throw new WireError(`invalid subgroup type 0x${type.toString(16)}`);
  }
  const alias = await stream.uint();
  const group = await stream.uint();
  if (mode === 2) {
    await stream.varint();
  }
  if ((type & 0x20) === 0) {
    await stream.u8();
  }
  return { alias, group, hasProperties: (type & 0x01) !== 0 };
}

/** The objects of a subgroup stream until FIN; a reset rejects. */
export async function* readSubgroup(header: SubgroupHeader, stream: StreamReader): AsyncGenerator<MoqObject> {
  let previous = -1n;
  while (!(await stream.atEnd())) {
    previous += (await stream.varint()) + 1n;
    if (header.hasProperties) {
      await skipProperties(stream);
    }
    const length = await readLength(stream, maxObjectBytes);
    const status = length === 0 ? await stream.uint() : ObjectStatus.Normal;
    const payload = await stream.bytes(length);
    yield { group: header.group, object: safeNumber(previous), payload, status };
  }
}

/** Serialization Flags of a fetched object, section 11.4.4.1. */
const Flag = {
  subgroupMask: 0x03,
  objectId: 0x04,
  groupId: 0x08,
  priority: 0x10,
  properties: 0x20,
  datagram: 0x40,
} as const;

const endOfNonExistentRange = 0x8c;
const endOfUnknownRange = 0x10c;

/** The objects of a fetch stream, in ascending order, until FIN. */
export async function* readFetch(stream: StreamReader): AsyncGenerator<MoqObject> {
  let prior: { group: bigint; object: bigint } | undefined;
  while (!(await stream.atEnd())) {
    const flags = await stream.uint();
    const isRange = flags === endOfNonExistentRange || flags === endOfUnknownRange;
    if (flags >= 128 && !isRange) {
      throw new WireError(`invalid serialization flags 0x${flags.toString(16)}`);
    }
    prior = await readFetchLocation(flags, prior, stream);
    if (isRange) {
      continue;
    }
    await skipFetchFields(flags, stream);
    const payload = await stream.bytes(await readLength(stream, maxObjectBytes));
    yield { group: safeNumber(prior.group), object: safeNumber(prior.object), payload, status: ObjectStatus.Normal };
  }
}

/** Leaves the stream behind the object ID; the subgroup ID lies between. */
async function readFetchLocation(
  flags: number,
  prior: { group: bigint; object: bigint } | undefined,
  stream: StreamReader,
): Promise<{ group: bigint; object: bigint }> {
  const hasGroup = (flags & Flag.groupId) !== 0;
  const hasObject = (flags & Flag.objectId) !== 0;
  if (!prior && !(hasGroup && hasObject)) {
    throw new WireError("the first fetched object refers to one before it");
  }
  const groupDelta = hasGroup ? await stream.varint() : 0n;
  if (flags < 128 && (flags & Flag.datagram) === 0 && (flags & Flag.subgroupMask) === 0x03) {
    await stream.varint();
  }
  const objectDelta = hasObject ? await stream.varint() : 0n;
  if (!prior) {
    return { group: groupDelta, object: objectDelta };
  }
  const group = hasGroup ? prior.group + groupDelta + 1n : prior.group;
  if (!hasObject) {
    return { group, object: prior.object + 1n };
  }
  return { group, object: hasGroup ? objectDelta : prior.object + objectDelta };
}

async function skipFetchFields(flags: number, stream: StreamReader): Promise<void> {
  if ((flags & Flag.priority) !== 0) {
    await stream.u8();
  }
  if ((flags & Flag.properties) !== 0) {
    await skipProperties(stream);
  }
}

async function skipProperties(stream: StreamReader): Promise<void> {
  await stream.bytes(await readLength(stream, maxPropertiesBytes));
}

async function readLength(stream: StreamReader, max: number): Promise<number> {
  const length = await stream.uint();
  if (length > max) {
    throw new WireError(`${length} bytes declared, at most ${max} allowed`);
  }
  return length;
}
