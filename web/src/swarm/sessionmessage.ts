// What viewer and edge say to each other on the viewer's bidirectional stream
// (docs/swarm-protocol.md, "Messages"). Times are in milliseconds here.
import { JsonFields } from "./json.ts";
import { maxSubs } from "./codes.ts";

/** What the viewer says of itself. */
export interface Hello {
  readonly version: number;
  readonly namespace: string;
  readonly track: string;
  /** SHA-256 of the DTLS certificate in lower-case hex; empty without consent. */
  readonly fingerprint: string;
  readonly consent: "unset" | "granted" | "denied";
  readonly net: NetType;
  readonly saveData: boolean;
  readonly lowBattery: boolean;
  readonly hidden: boolean;
  readonly mobile: boolean;
  readonly lan: boolean;
  readonly cap: number;
  readonly uplink: number;
  readonly agent: Agent;
}

export type NetType = "cellular" | "wifi" | "ethernet" | "unknown";
export type Agent = "chromium" | "firefox" | "safari" | "native" | "other";
export type Update = Partial<Pick<Hello, "consent" | "net" | "saveData" | "lowBattery" | "hidden" | "cap" | "uplink">>;

/** Half of an offer and answer, or an ICE candidate. */
export interface Signal {
  readonly description?: { readonly type: "offer" | "answer"; readonly sdp: string };
  /** An empty candidate: no more of them. */
  readonly candidate?: { readonly candidate: string; readonly sdpMid: string | null; readonly sdpMLineIndex: number | null };
}

export interface Report {
  readonly peerBytes: number;
  readonly edgeBytes: number;
  readonly hedgeBytes: number;
  readonly lateBytes: number;
  readonly duplicateBytes: number;
  readonly invalidPieces: number;
  readonly uploadBytes: number;
  readonly stalls: number;
  readonly stallTime: number;
  readonly playTime: number;
  readonly latency: number;
  readonly lag: readonly number[];
  readonly queue: number;
  readonly uplink: number;
  readonly slots: number;
  readonly peers: readonly { readonly peer: number; readonly score: number; readonly rtt: number; readonly bytes: number }[];
}

export type ViewerMessage =
  | ({ readonly t: "hello" } & Hello)
  | ({ readonly t: "update" } & Update)
  | { readonly t: "feed"; readonly subs: number; readonly group: number; readonly n: number }
  | { readonly t: "hedge"; readonly id: number; readonly group: number; readonly n: number; readonly bits: string }
  | { readonly t: "cancel"; readonly id: number }
  | ({ readonly t: "signal"; readonly peer: number } & Signal)
  | { readonly t: "link"; readonly peer: number; readonly state: "open" | "failed" | "closed"; readonly reason: string; readonly rtt: number; readonly took: number }
  | { readonly t: "parents"; readonly parents: readonly number[] }
  | ({ readonly t: "report" } & Report)
  | { readonly t: "invalid"; readonly peer: number; readonly group: number; readonly n: number; readonly beacon: string; readonly piece?: string }
  | { readonly t: "ping"; readonly id: number }
  | { readonly t: "leave"; readonly reason: string };

export const modes = ["on", "receive", "edge"] as const;
export type Mode = (typeof modes)[number];

/** The swarm's numbers; times in milliseconds. */
export interface EdgeParams {
  readonly delay: number;
  readonly subs: number;
  readonly depth: number;
  readonly gapPull: number;
  readonly hedgeStart: number;
  readonly hedgeMin: number;
  readonly hedgeMax: number;
  readonly share: number;
  readonly capFactor: number;
  readonly cap: number;
}

/** A peer that the edge made known. */
export interface EdgeCandidate {
  readonly peer: number;
  readonly role: "parent" | "standby";
  readonly fingerprint: string;
  readonly offer: boolean;
  readonly near: boolean;
  readonly prefix: number;
  readonly asn: number;
  readonly token: string;
}

export interface Welcome {
  readonly t: "welcome";
  readonly peer: number;
  readonly mode: Mode;
  readonly reason: string;
  readonly control: boolean;
  readonly swarm: number;
  readonly ice: readonly string[];
  readonly ask: string;
  readonly lan: boolean;
  readonly params: EdgeParams;
}

export type EdgeMessage =
  | Welcome
  | { readonly t: "mode"; readonly mode: Mode; readonly reason: string }
  | { readonly t: "candidates"; readonly peers: readonly EdgeCandidate[] }
  | { readonly t: "assign"; readonly sub: number; readonly peer: number; readonly child: number }
  | ({ readonly t: "signal"; readonly peer: number } & Signal)
  | { readonly t: "slots"; readonly slots: number }
  | { readonly t: "delay"; readonly delay: number }
  | { readonly t: "drop"; readonly peer: number; readonly reason: string; readonly ban: number }
  | { readonly t: "pong"; readonly id: number }
  | { readonly t: "error"; readonly reason: string };

const maxPeer = 2 ** 32 - 1;
const maxWord = 64;
const maxCandidates = 64;
const maxDescription = 16_384;
const maxCandidateText = 1024;
/** An hour: nothing of a swarm lasts longer. */
const maxTime = 3_600_000;
const maxBan = 24 * maxTime;
const maxRate = 1e12;

/** Undefined: a message that this version does not know. A rule that is broken is a WireError. */
export function parseEdgeMessage(text: string): EdgeMessage | undefined {
  const fields = JsonFields.parse(text);
  switch (fields.text("t", maxWord)) {
    case "welcome":
      return parseWelcome(fields);
    case "mode":
      return { t: "mode", mode: fields.word("mode", modes), reason: fields.text("reason", maxWord) };
    case "candidates":
      return { t: "candidates", peers: fields.list("peers", maxCandidates).map(parseCandidate) };
    case "assign":
      return { t: "assign", sub: fields.int("sub", maxSubs - 1), peer: fields.int("peer", maxPeer), child: fields.int("child", maxPeer) };
    case "signal":
      return { t: "signal", peer: fields.int("peer", maxPeer), ...parseSignal(fields) };
    case "slots":
      return { t: "slots", slots: fields.int("slots", 1024) };
    case "delay":
      return { t: "delay", delay: fields.number("delay", maxTime) };
    case "drop":
      return { t: "drop", peer: fields.int("peer", maxPeer), reason: fields.text("reason", maxWord), ban: fields.number("ban", maxBan) };
    case "pong":
      return { t: "pong", id: fields.int("id") };
    case "error":
      return { t: "error", reason: fields.text("reason", maxWord) };
    default:
      return undefined;
  }
}

function parseWelcome(fields: JsonFields): Welcome {
  return {
    t: "welcome",
    peer: fields.int("peer", maxPeer),
    mode: fields.word("mode", modes),
    reason: fields.text("reason", maxWord),
    control: fields.flag("control"),
    swarm: fields.int("swarm"),
    ice: fields.texts("ice", 8, 256),
    ask: fields.text("ask", maxWord),
    lan: fields.flag("lan"),
    params: parseParams(fields.fields("params")),
  };
}

function parseParams(fields: JsonFields): EdgeParams {
  const subs = fields.int("subs", maxSubs);
  return {
    delay: fields.number("delay", maxTime),
    subs: subs === 0 ? 1 : subs,
    depth: fields.int("depth", 64),
    gapPull: fields.number("gapPull", maxTime),
    hedgeStart: fields.number("hedgeStart", maxTime),
    hedgeMin: fields.number("hedgeMin", maxTime),
    hedgeMax: fields.number("hedgeMax", maxTime),
    share: fields.number("share", 1),
    capFactor: fields.number("capFactor", 1000),
    cap: fields.number("cap", maxRate),
  };
}

function parseCandidate(value: unknown): EdgeCandidate {
  const fields = JsonFields.of(value);
  return {
    peer: fields.int("peer", maxPeer),
    role: fields.word("role", ["parent", "standby"]),
    fingerprint: fields.text("fingerprint", 64),
    offer: fields.flag("offer"),
    near: fields.flag("near"),
    prefix: fields.int("prefix"),
    asn: fields.int("asn"),
    token: fields.text("token", 512),
  };
}

function parseSignal(fields: JsonFields): Signal {
  if (fields.has("description")) {
    const description = fields.fields("description");
    return { description: { type: description.word("type", ["offer", "answer"]), sdp: description.text("sdp", maxDescription) } };
  }
  const candidate = fields.fields("candidate");
  return {
    candidate: {
      candidate: candidate.text("candidate", maxCandidateText),
      sdpMid: candidate.has("sdpMid") ? candidate.text("sdpMid", maxWord) : null,
      sdpMLineIndex: candidate.has("sdpMLineIndex") ? candidate.int("sdpMLineIndex", 16) : null,
    },
  };
}
