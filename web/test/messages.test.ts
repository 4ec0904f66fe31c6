import assert from "node:assert/strict";
import { test } from "node:test";
import {
  encodeJoiningFetch,
  encodeSetup,
  encodeSubscribe,
  parseGoaway,
  parsePublishDone,
  parseRequestError,
  parseSubscribeOk,
} from "../src/moqt/messages.ts";
import { WireError } from "../src/wire/varint.ts";
import { ascii, fromHex, random, randomBytes } from "./helpers.ts";

// Written by hand from draft-ietf-moq-transport-18, section 10.
test("SETUP names the implementation", () => {
  assert.deepEqual(encodeSetup("player"), fromHex(`af00 0008 07 06 ${ascii("player")}`));
});

test("SUBSCRIBE asks for what follows the largest object", () => {
  const bytes = encodeSubscribe({ requestId: 2, namespace: ["live", "cam1"], track: "video", priority: 128 });
  const fields = `02 02 04${ascii("live")} 04${ascii("cam1")} 05${ascii("video")} 02 20 80 01 01 02`;
  assert.deepEqual(bytes, fromHex(`03 0018 ${fields}`));
});

test("a joining FETCH starts at the newest group", () => {
  assert.deepEqual(encodeJoiningFetch(4, 2, 96), fromHex("16 0007 04 02 02 00 01 20 60"));
});

test("SUBSCRIBE_OK: alias and largest location, other parameters and properties passed over", () => {
  assert.deepEqual(parseSubscribeOk(fromHex("05 00")), { alias: 5, largest: undefined });
  // EXPIRES 8, LARGEST_OBJECT 9, GROUP_ORDER 0x22, then a track property.
  const ok = parseSubscribeOk(fromHex("05 03 08 8064 01 9388 07 19 01 0e 8080"));
  assert.deepEqual(ok, { alias: 5, largest: { group: 5000, object: 7 } });
});

test("an unknown parameter cannot be passed over", () => {
  assert.throws(() => parseSubscribeOk(fromHex("05 01 7f 00")), WireError);
});

test("REQUEST_ERROR: the retry interval is one less than it says, zero means never", () => {
  assert.deepEqual(parseRequestError(fromHex(`10 81f5 04 ${ascii("gone")}`)), { code: 16, retryAfter: 500, reason: "gone" });
  assert.equal(parseRequestError(fromHex("10 00 00")).retryAfter, undefined);
});

test("PUBLISH_DONE with a stream count beyond safe numbers", () => {
  const done = parsePublishDone(fromHex(`02 ff3fffffffffffffff 03 ${ascii("bye")}`));
  assert.deepEqual(done, { code: 2, streams: (1n << 62n) - 1n, reason: "bye" });
});

test("GOAWAY, with and without a new address", () => {
  assert.deepEqual(parseGoaway(fromHex("00 00 00")), { uri: "", timeout: 0 });
  assert.deepEqual(parseGoaway(fromHex(`03 ${ascii("a:b")} 8064 00`)), { uri: "a:b", timeout: 100 });
  assert.throws(() => parseGoaway(fromHex("e0100000")), WireError);
});

test("truncated and random messages are refused or read, never worse", () => {
  const parsers = [parseSubscribeOk, parseRequestError, parsePublishDone, parseGoaway];
  const next = random(2);
  for (let i = 0; i < 5000; i++) {
    const bytes = randomBytes(next, Math.floor(next() * 24));
    for (const parse of parsers) {
      try {
        parse(bytes);
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
      }
    }
  }
});
