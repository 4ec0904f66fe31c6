// As relay/swarm/viewer_mode.go.
import { maxSubs } from "../codes.ts";
import { edge } from "../piece.ts";
import type { Mode } from "../sessionmessage.ts";
import type { Event, Params } from "./event.ts";
import { Table } from "./table.ts";
import { second } from "./time.ts";
import type { Viewer } from "./viewer.ts";
import { toEdge } from "./viewerguard.ts";
import { adapt } from "./viewerhedge.ts";
import { close, leavePeers } from "./viewerpeers.ts";
import { Substream } from "./viewersubs.ts";

/** How long a hidden tab still takes from peers. */
const hiddenTime = 10 * second;

export function setParams(v: Viewer, p: Params): void {
  v.params = { ...p, subs: Math.min(Math.max(p.subs, 1), maxSubs) };
  adapt(v.hedger, v.params);
  if (v.subs.length !== v.params.subs) {
    v.subs = Array.from({ length: v.params.subs }, () => new Substream());
    v.table = new Table();
  }
}

/**
 * An edge took the viewer in. Numbers of peers mean nothing across sessions, so a new
 * number starts anew.
 */
export function welcome(v: Viewer, e: Extract<Event, { kind: "welcome" }>): void {
  if (v.self !== edge && v.self !== e.self) {
    while (v.peers.length > 0) {
      close(v, v.peers[0]!, "session");
    }
    v.bans = [];
  }
  v.self = e.self;
  v.joined = true;
  if (e.params) {
    setParams(v, e.params);
  }
  v.fed = -1;
  v.parents = [];
  v.feedFrom = { g: 0, n: 0 };
  v.edgeHead = { g: 0, n: 0 };
  v.subs.forEach((_, sub) => v.feedAgain(v.table.firstMissing(sub)));
  v.reportAt = v.now;
  setMode(v, e.mode, e.reason);
}

/**
 * Does what a change of mode asks for: without giving, children are told to go; without
 * taking, everything comes from the edge and connections end.
 */
export function setMode(v: Viewer, mode: Mode, why: string): void {
  const gave = v.mode === "on";
  v.mode = mode;
  v.reason = why;
  if (mode === "on") {
    v.reason = "";
  }
  if (v.reason !== "hidden") {
    v.hidden = -1;
  } else if (v.hidden < 0) {
    v.hidden = v.now;
  }
  if (gave && mode !== "on") {
    leavePeers(v);
  }
  if (mode === "edge") {
    withdraw(v);
  }
}

/** Takes everything from the edge and ends all connections. */
function withdraw(v: Viewer): void {
  v.subs.forEach((s, sub) => {
    toEdge(v, sub);
    s.want = s.leaving = edge;
  });
  for (const p of [...v.peers]) {
    close(v, p, v.reason);
  }
}

/** Ends taking when the tab has been hidden for long. */
export function hide(v: Viewer): void {
  if (v.hidden >= 0 && v.mode === "receive" && v.now - v.hidden >= hiddenTime) {
    setMode(v, "edge", "hidden");
  }
}
