import assert from "node:assert/strict";
import { after, mock, test } from "node:test";
import { acceptable } from "../src/swarm/certificate.ts";
import { PeerType } from "../src/swarm/codes.ts";
import { type PeerHandler, PeerLink } from "../src/swarm/peer.ts";
import { encodePeerMessage } from "../src/swarm/peermessage.ts";
import type { Signal } from "../src/swarm/sessionmessage.ts";
import { FakeConnection, createFake, fakeIdentity } from "./fakertc.ts";

const settle = () => new Promise((resolve) => setTimeout(resolve, 10));
const a = fakeIdentity("a");
const b = fakeIdentity("b");

const links: PeerLink[] = [];
after(() => links.forEach((link) => link.end("ended")));

interface Side {
  link: PeerLink;
  readonly log: string[];
}

function side(self: number, peer: number, other: () => Side | undefined, more: Partial<PeerLink["config"]> = {}): Side {
  const log: string[] = [];
  const handler: PeerHandler = {
    onSignal: (signal: Signal) => queueMicrotask(() => other()?.link.take(signal)),
    onOpen: () => log.push("open"),
    onEnd: (state, reason) => log.push(`${state} ${reason}`),
    onRoundTrip: () => undefined,
    onMessage: (message) => log.push(`message ${message.type}`),
    onPiece: (id, bytes) => log.push(`piece ${id.g}/${id.n} ${bytes.length} ${bytes.at(-1)}`),
  };
  const [mine, theirs] = self === 1 ? [a, b] : [b, a];
  const config = { self, peer, token: "t", offer: self === 1, iceServers: [], certificate: mine.certificate, fingerprint: theirs.fingerprint, ...more };
  const link = new PeerLink(config, handler, createFake);
  links.push(link);
  return { link, log };
}

async function pair(moreOfOne: Partial<PeerLink["config"]> = {}) {
  let two: Side | undefined;
  const one = side(1, 2, () => two, moreOfOne);
  two = side(2, 1, () => one);
  await settle();
  return { one, two };
}

test("two links find each other, say HELLO and hand pieces over", async () => {
  const { one, two } = await pair();
  assert.deepEqual([one.log, two.log], [["open"], ["open"]]);
  const piece = new Uint8Array(32768).fill(5);
  assert.ok(one.link.sendPiece({ g: 7, n: 3 }, piece));
  assert.ok(two.link.send({ type: PeerType.Unsub, sub: 1 }));
  await settle();
  assert.deepEqual(two.log, ["open", "piece 7/3 32768 5"]);
  assert.deepEqual(one.log, ["open", `message ${PeerType.Unsub}`]);
  assert.ok(one.link.sentBytes > 32768 && one.link.roundTrip !== undefined);
  one.link.end("ended");
  await settle();
  assert.deepEqual([one.log.at(-1), two.log.at(-1)], ["closed ended", "closed closed by the peer"]);
});

test("candidates go one by one, and wait for the description", async () => {
  const { two } = await pair();
  const connection = FakeConnection.all.at(-1);
  assert.equal(connection?.candidates.length, 1);
  assert.equal(two.log[0], "open");
});

test("who shows another certificate, token or number is refused", async () => {
  const forged = await pair({ certificate: fakeIdentity("c").certificate });
  assert.deepEqual(forged.two.log, ["failed protocol"]);
  const stranger = await pair({ token: "guessed" });
  assert.deepEqual([stranger.one.log.at(-1), stranger.two.log.at(-1)], ["failed protocol", "failed protocol"]);
  const another = await pair({ self: 3 });
  assert.equal(another.two.log.at(-1), "failed protocol");
});

test("a description may hold one section of data channels and the fingerprint that was vouched for", () => {
  const line = `a=fingerprint:sha-256 ${Array(32).fill("AA").join(":")}`;
  const application = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel";
  const of = (...lines: string[]) => acceptable(`v=0\r\n${lines.join("\r\n")}\r\n`, a.fingerprint);
  assert.ok(of(application, line));
  assert.ok(!of(application));
  assert.ok(!of(application, line, line.replace("AA", "AB")));
  assert.ok(!of(application, line.replace("sha-256", "sha-1")));
  assert.ok(!of(application, line, "a=fingerprint:sha-512 AA"));
  assert.ok(!of(application, "m=video 9 UDP/TLS/RTP/SAVPF 96", line));
  assert.ok(!of("m=video 9 UDP/TLS/RTP/SAVPF 96", line));
});

test("a peer that breaks a rule is left", async () => {
  const violations: [string, (connection: FakeConnection) => unknown][] = [
    ["text", ({ channels }) => ((channels[0]!.tamper = () => "text"), undefined)],
    ["unknown type", ({ channels }) => (channels[0]!.tamper = () => Uint8Array.of(99).buffer)],
    ["piece on control", ({ channels }) => (channels[0]!.tamper = () => encodePeerMessage({ type: PeerType.Beacon, bytes: Uint8Array.of(1) }).buffer)],
    ["HELLO again", ({ channels }) => (channels[0]!.tamper = () => encodePeerMessage({ type: PeerType.Hello, version: 1, peer: 1, token: Uint8Array.of(116) }).buffer)],
    ["PONG of the future", ({ channels }) => (channels[0]!.tamper = () => encodePeerMessage({ type: PeerType.Pong, time: 2n ** 60n }).buffer)],
  ];
  for (const [name, violate] of violations) {
    const { one, two } = await pair();
    violate(FakeConnection.all.at(-2)!);
    one.link.send({ type: PeerType.Unsub, sub: 1 });
    await settle();
    assert.equal(two.log.at(-1), "closed protocol", name);
  }
});

test("a flood of messages ends the link", async () => {
  const { one, two } = await pair();
  for (let i = 0; i < 300; i++) {
    one.link.send({ type: PeerType.Unsub, sub: 1 });
  }
  await settle();
  assert.equal(two.log.at(-1), "closed protocol");
});

test("what would wait for too long is not sent", async () => {
  const { one } = await pair();
  FakeConnection.all.at(-2)!.channels[1]!.bufferedAmount = 2 << 20;
  assert.equal(one.link.sendPiece({ g: 1, n: 1 }, new Uint8Array(10)), false);
});

test("nobody answers: given up after three seconds, or five without an offer", (context) => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  context.after(() => mock.timers.reset());
  const offering = side(1, 2, () => undefined);
  const waiting = side(2, 1, () => undefined);
  mock.timers.tick(2999);
  assert.deepEqual(offering.log, []);
  mock.timers.tick(1);
  assert.deepEqual([offering.log, waiting.log], [["failed timeout"], []]);
  mock.timers.tick(2000);
  assert.deepEqual(waiting.log, ["failed timeout"]);
});
