import type { SwarmPeer, SwarmStats } from "../swarm/stats.ts";
import { formatTime } from "./format.ts";

const namespace = "http://www.w3.org/2000/svg";
const width = 272;
const rows = { parents: 26, self: 92, children: 158 };
const height = 184;
const radius = 11;
/** Lines of several sub-streams between the same two lie so far apart. */
const spread = 4.5;
/** More do not fit; those beyond are counted. */
const mostChildren = 6;
/** Beyond these the lines are dotted. */
const colours = 4;

/** Somebody in the picture. */
export interface Node {
  readonly id: string;
  readonly label: string;
  readonly kind: "edge" | "peer" | "self" | "more";
  readonly x: number;
  readonly y: number;
}

/** Video that goes from one to another: a sub-stream. */
export interface Link {
  readonly from: Node;
  readonly to: Node;
  readonly sub: number;
  /** Its place among those of the same two: 0 is the middle one. */
  readonly offset: number;
}

export interface Layout {
  readonly nodes: readonly Node[];
  readonly links: readonly Link[];
}

/** Who feeds this viewer stands above it, whom it feeds below. */
export function layout(stats: Pick<SwarmStats, "parents" | "peers">): Layout {
  const self: Node = { id: "self", label: "You", kind: "self", x: width / 2, y: rows.self };
  const sources = [...new Set(stats.parents)].sort((a, b) => a - b);
  const parents = row(sources.map((peer) => (peer === 0 ? edge : peerNode(stats.peers, peer, "p"))), rows.parents);
  const fed = stats.peers.filter((peer) => peer.takes.length > 0).sort((a, b) => a.peer - b.peer);
  const shown = fed.length > mostChildren ? fed.slice(0, mostChildren - 1) : fed;
  const rest = fed.length - shown.length;
  const entries = shown.map((peer) => peerNode(stats.peers, peer.peer, "c"));
  const children = row(rest > 0 ? [...entries, { id: "more", label: `+${rest}`, kind: "more" }] : entries, rows.children);
  const down = parents.flatMap((from, i) => linksOf(from, self, indexesOf(stats.parents, sources[i])));
  const up = shown.flatMap((peer, i) => linksOf(self, children[i], peer.takes));
  return { nodes: [...parents, self, ...children], links: [...down, ...up] };
}

type Entry = Omit<Node, "x" | "y">;

const edge: Entry = { id: "edge", label: "Server", kind: "edge" };

function peerNode(peers: readonly SwarmPeer[], peer: number, prefix: string): Entry {
  const roundTrip = peers.find((entry) => entry.peer === peer)?.roundTrip ?? null;
  return { id: `${prefix}${peer}`, label: roundTrip === null ? `#${peer}` : formatTime(roundTrip), kind: "peer" };
}

function row(entries: readonly Entry[], y: number): Node[] {
  return entries.map((entry, i) => ({ ...entry, x: ((i + 0.5) * width) / entries.length, y }));
}

function indexesOf(parents: readonly number[], source: number | undefined): number[] {
  return parents.flatMap((parent, sub) => (parent === source ? [sub] : []));
}

function linksOf(from: Node, to: Node | undefined, subs: readonly number[]): Link[] {
  return to ? subs.map((sub, i) => ({ from, to, sub, offset: i - (subs.length - 1) / 2 })) : [];
}

/** Draws who feeds whom, now. */
export class SwarmPicture {
  readonly element = document.createElementNS(namespace, "svg");
  private drawn = "";

  constructor() {
    this.element.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.element.setAttribute("class", "swarm-picture");
    this.element.setAttribute("role", "img");
  }

  draw(stats: SwarmStats): void {
    const { nodes, links } = layout(stats);
    const state = JSON.stringify([nodes, links.map((link) => [link.from.id, link.to.id, link.sub])]);
    if (state === this.drawn) {
      return;
    }
    this.drawn = state;
    this.element.setAttribute("aria-label", describe(stats));
    this.element.replaceChildren(...links.map(drawLink), ...nodes.flatMap(drawNode));
  }
}

/** The picture in words. */
export function describe(stats: Pick<SwarmStats, "parents" | "peers">): string {
  const fromPeers = stats.parents.filter((parent) => parent !== 0).length;
  const fed = stats.peers.filter((peer) => peer.takes.length > 0).length;
  return `${fromPeers} of ${stats.parents.length} parts of the video come from other viewers; ${fed} ${fed === 1 ? "viewer is" : "viewers are"} fed from here.`;
}

function drawLink({ from, to, sub, offset }: Link): SVGElement {
  const [x1, x2] = [from, to].map(({ x, kind }) => x + offset * (kind === "self" ? spread * 1.5 : spread));
  const [y1, y2] = [from.y + radius, to.y - radius];
  const middle = (y1 + y2) / 2;
  return shape("path", { d: `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`, class: `flow sub-${sub % colours}${sub < colours ? "" : " dotted"}` });
}

function drawNode({ label, kind, x, y }: Node): SVGElement[] {
  const text = shape("text", { x: String(x), y: String(y), class: `name ${kind}` });
  text.textContent = label;
  const half = Math.max(radius * 1.4, label.length * 3.5 + 8);
  const box = { x: x - half, y: y - radius, width: 2 * half, height: 2 * radius, rx: radius };
  const attributes = Object.fromEntries(Object.entries(box).map(([name, value]) => [name, String(value)]));
  return [shape("rect", { ...attributes, class: `node ${kind}`, "data-back": "" }), text];
}

function shape(name: string, attributes: Record<string, string>): SVGElement {
  const element = document.createElementNS(namespace, name) as SVGElement;
  for (const [attribute, value] of Object.entries(attributes)) {
    element.setAttribute(attribute, value);
  }
  return element;
}
