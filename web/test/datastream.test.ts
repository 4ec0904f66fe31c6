import assert from "node:assert/strict";
import { test } from "node:test";
import { readFetch, readSubgroup, readSubgroupHeader } from "../src/moqt/datastream.ts";
import { StreamReader } from "../src/wire/streamreader.ts";
import { WireError } from "../src/wire/varint.ts";
import { ascii, collect, fromHex, random, randomBytes, readerOf, streamOf } from "./helpers.ts";

const text = new TextDecoder();

async function subgroup(hex: string, piece?: number) {
  const stream = readerOf(hex, piece);
  const header = await readSubgroupHeader(await stream.uint(), stream);
  const objects = await collect(readSubgroup(header, stream));
  return { header, objects: objects.map((o) => [o.group, o.object, o.status, text.decode(o.payload)]) };
}

async function fetched(hex: string) {
  const objects = await collect(readFetch(readerOf(hex)));
  return objects.map((o) => [o.group, o.object, text.decode(o.payload)]);
}

// Section 11.6, "Sending a subgroup on one stream".
const plain = `14 02 00 00 00 00 04 ${ascii("abcd")} 00 04 ${ascii("efgh")}`;

test("the draft's first example: a subgroup of two objects", async () => {
  for (const piece of [1, 2, 5, 100]) {
    const { header, objects } = await subgroup(plain, piece);
    assert.deepEqual(header, { alias: 2, group: 0, hasProperties: false });
    assert.deepEqual(objects, [[0, 0, 0, "abcd"], [0, 1, 0, "efgh"]]);
  }
});

test("the draft's second example: properties are skipped", async () => {
  const properties = `04 f0 82 58 49 1b 49 15 ${ascii("traceID:1234567890123")}`;
  const length = fromHex(properties).length.toString(16).padStart(2, "0");
  const hex = `35 02 00 00 00 ${length} ${properties} 04 ${ascii("abcd")} 00 00 04 ${ascii("efgh")}`;
  const { objects } = await subgroup(hex);
  assert.deepEqual(objects, [[0, 0, 0, "abcd"], [0, 1, 0, "efgh"]]);
});

test("deltas, a status object, and a subgroup ID taken from the first object", async () => {
  const { header, objects } = await subgroup(`72 07 8064 05 01 ${ascii("x")} 01 01 ${ascii("y")} 00 00 03`);
  assert.deepEqual(header, { alias: 7, group: 100, hasProperties: false });
  assert.deepEqual(objects, [[100, 5, 0, "x"], [100, 7, 0, "y"], [100, 8, 3, ""]]);
});

test("invalid subgroup types are refused", async () => {
  for (const type of [0x16, 0x1f, 0x76, 0x00, 0x20, 0x90]) {
    await assert.rejects(readSubgroupHeader(type, readerOf("00000000")), WireError);
  }
});

test("a subgroup cut off anywhere in an object is no complete one", async () => {
  const whole = fromHex(plain);
  const boundaries = new Set([5, 11, whole.length]);
  for (let length = 1; length < whole.length; length++) {
    const cut = subgroup(Buffer.from(whole.subarray(0, length)).toString("hex"));
    await (boundaries.has(length) ? cut : assert.rejects(cut, WireError, `length ${length}`));
  }
});

test("a reset is told apart from an end", async () => {
  const stream = new StreamReader(streamOf(fromHex(plain), 4, new Error("reset")));
  const header = await readSubgroupHeader(await stream.uint(), stream);
  await assert.rejects(collect(readSubgroup(header, stream)), /reset/);
});

test("a declared length beyond the limit is refused before any memory is taken", async () => {
  const refusal = { name: "WireError", message: /at most/ };
  await assert.rejects(subgroup("30 02 00 00 f0ffffffff"), refusal);
  await assert.rejects(subgroup("31 02 00 00 e0ffffff"), refusal);
  await assert.rejects(fetched("0c 05 00 f0ffffffff"), refusal);
});

test("fetched objects: explicit, following, next group, ranges that do not exist", async () => {
  assert.deepEqual(
    await fetched(
      `1f 8064 09 02 80 01 ${ascii("a")} ` + // group 100, subgroup 9, object 2, priority
        `00 01 ${ascii("b")} ` + // object 3
        `04 03 01 ${ascii("c")} ` + // object 3 + 3
        `808c 00 05 ` + // nothing up to group 101, object 5
        `20 02 0401 01 ${ascii("d")} ` + // object 6, with properties
        `0c 01 00 01 ${ascii("e")}`, // group 103, object 0
    ),
    [[100, 2, "a"], [100, 3, "b"], [100, 6, "c"], [101, 6, "d"], [103, 0, "e"]],
  );
});

test("a first fetched object that leans on one before it is refused", async () => {
  for (const hex of [`00 01 ${ascii("a")}`, `04 01 01 ${ascii("a")}`, `08 01 01 ${ascii("a")}`, "80ff"]) {
    await assert.rejects(fetched(hex), WireError, hex);
  }
});

test("random bytes end in objects or a WireError, never otherwise", async () => {
  const next = random(1);
  for (let i = 0; i < 2000; i++) {
    const bytes = randomBytes(next, Math.floor(next() * 64));
    const header = { alias: 1, group: 1, hasProperties: i % 2 === 0 };
    for (const run of [readSubgroup(header, new StreamReader(streamOf(bytes, 7))), readFetch(new StreamReader(streamOf(bytes, 7)))]) {
      await collect(run).catch((error: unknown) => assert.ok(error instanceof WireError, String(error)));
    }
  }
});
