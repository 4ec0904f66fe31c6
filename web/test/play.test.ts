import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../src/play/backoff.ts";
import { ServerClock } from "../src/play/clock.ts";
import { parseAddress, playlistUrl, withToken } from "../src/play/config.ts";
import { EncoderClock } from "../src/play/latency.ts";
import { BitrateMeter } from "../src/play/meter.ts";
import { RateController } from "../src/play/rate.ts";
import { AnswerError, parseInfo } from "../src/play/server.ts";
import { StallMeter } from "../src/play/stallmeter.ts";

test("the rate brings a buffer to its target and stays within its bounds", () => {
  const controller = new RateController({ minimum: 0.95, maximum: 1.08 });
  let buffer = 0.8;
  const rates: number[] = [];
  for (let i = 0; i < 300; i++) {
    // A chunk of 100 ms arrives at once, the rest drains evenly.
    const rate = controller.update(buffer + (i % 2 === 0 ? 0.05 : -0.05), 0.3, 0.1);
    rates.push(rate);
    buffer -= (rate - 1) * 0.1;
  }
  assert.equal(rates[0], 1.08);
  assert.ok(Math.abs(buffer - 0.3) < 0.06, `settled at ${buffer}`);
  assert.ok(rates.slice(-20).every((rate) => Math.abs(rate - 1) <= 0.011));
  controller.reset();
  assert.equal(controller.update(0.302, 0.3, 0.1), 1);
  controller.reset();
  assert.equal(controller.update(0, 0.3, 0.1), 0.95);
});

function sampler() {
  const meter = new StallMeter();
  let now = 0;
  const play = (times: number[], options: { expected?: boolean; starved?: boolean } = {}) => {
    for (const currentTime of times) {
      meter.sample({ now: (now += 100), currentTime, expected: true, starved: false, ...options });
    }
  };
  return { meter, play };
}

test("a stall is counted once, with all of its time", () => {
  const { meter, play } = sampler();
  play([1, 1.1, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2, 1.3]);
  assert.equal(meter.count, 1);
  assert.equal(meter.duration, 500);
  play([1.4, 1.4, 1.5]);
  assert.equal(meter.count, 1);
});

test("pauses and seeks are no stalls, a starved picture under running sound is one", () => {
  const { meter, play } = sampler();
  play([1, 1, 1, 1, 1], { expected: false });
  assert.equal(meter.count, 0);
  play([1.1, 1.2, 1.3, 1.4], { starved: true });
  assert.equal(meter.count, 1);
});

test("the clock's offset comes from the quickest of the requests", async () => {
  const local = [0, 100, 100, 110, 110, 310, 310, 350, 350, 390];
  const replies = ["5090", "5105.5", "5290", "5345", "5385"];
  const clock = new ServerClock(() => "time", () => Promise.resolve(replies.shift() ?? ""), () => local.shift() ?? 1000);
  await clock.measure();
  assert.equal(clock.roundTrip, 10);
  assert.equal(clock.now(), 1000 + 5000.5);
});

test("the encoder's clock goes by the reference before a time", () => {
  const clock = new EncoderClock();
  assert.equal(clock.wallClock(1), undefined);
  clock.add(10, 10_000);
  clock.add(12, 12_050);
  assert.equal(clock.wallClock(11.5), 11_500);
  assert.equal(clock.wallClock(12.5), 12_550);
  clock.add(11, 20_000);
  assert.equal(clock.wallClock(12.5), 21_500);
});

test("waits double to a limit, spread over the upper half", () => {
  const low = new Backoff(250, 5000, () => 0);
  const high = new Backoff(250, 5000, () => 0.999);
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7].map(() => low.next()), [125, 250, 500, 1000, 2000, 2500, 2500]);
  assert.ok(high.next() < 250);
  low.reset();
  assert.equal(low.next(), 125);
});

test("the bitrate is that of the last two seconds", () => {
  const meter = new BitrateMeter();
  for (let now = 0; now < 5000; now += 50) {
    meter.add(now < 2500 ? 10_000 : 1250, now);
  }
  assert.ok(Math.abs(meter.rate(5000) - 200_000) < 20_000, String(meter.rate(5000)));
  assert.equal(meter.rate(60_000), 0);
});

test("addresses name the broadcast by their path", () => {
  const address = parseAddress("http://127.0.0.1:8080/live/cam%201/?transport=moq");
  assert.deepEqual(address, { origin: "http://127.0.0.1:8080", name: "live/cam 1", namespace: ["live", "cam 1"], token: "" });
});

test("the token goes to wherever the broadcast is asked for", () => {
  const address = parseAddress("https://host/live/cam%201/?transport=hls&jwt=a.b-c");
  assert.equal(address.token, "a.b-c");
  assert.equal(playlistUrl(address, "https://host"), "https://host/live/cam%201/index.m3u8?token=a.b-c");
  assert.equal(withToken("https://host:4443/moq?x=1", "a.b-c"), "https://host:4443/moq?x=1&token=a.b-c");
  assert.equal(withToken("https://host:4443/moq", ""), "https://host:4443/moq");
  assert.equal(withToken("/live/x/", ""), "/live/x/");
});

test("a refusal is told in the server's words", () => {
  assert.equal(new AnswerError("https://host/v1/broadcasts", 401, '{"message":"a token is needed"}').message, "a token is needed");
  assert.equal(new AnswerError("https://host/v1/info?token=x", 502, "<html>").message, "/v1/info answered 502");
});

test("the server's information is believed as far as it is sound", () => {
  const hash = "ab".repeat(32);
  const moq = { url: "https://host:4443/moq", certificateHashes: [hash, "zz", 5] };
  const edges = ["https://edge-b:4443", "https://edge-c"];
  const origin = "http://host:8080";
  assert.equal(parseInfo({ moq: { ...moq, webSocket: "/moq" } }, origin)?.webSocketUrl, "ws://host:8080/moq");
  assert.equal(parseInfo({ moq: { ...moq, webSocket: "/moq" } }, "https://host")?.webSocketUrl, "wss://host/moq");
  assert.deepEqual(parseInfo({ moq, edges: [...edges, 5] }, origin), { url: moq.url, certificateHashes: [hash], edges });
  assert.deepEqual(parseInfo({ moq: { url: moq.url } }, origin), { url: moq.url, certificateHashes: [], edges: [] });
  for (const bad of [{}, null, { moq: 1 }, { moq: { url: "no url" } }, { moq: { url: 5 } }]) {
    assert.equal(parseInfo(bad, origin), undefined);
  }
});
