import type { PlayerStats } from "../player.ts";
import { Chart } from "./chart.ts";
import { el } from "./dom.ts";
import { formatBitrate, formatTime } from "./format.ts";

const transports: Record<string, string> = {
  webtransport: "WebTransport",
  websocket: "WebSocket",
  hls: "LL-HLS · hls.js",
  "native-hls": "HLS · browser",
};

/** The overlay of live figures. */
export class StatsPanel {
  readonly element = el("section", { class: "stats", "aria-label": "Playback statistics" });
  private readonly facts = el("dl");
  private readonly latency = new Chart({ label: "Latency", color: "--chart-1", format: formatTime, ceiling: 500 });
  private readonly buffer = new Chart({ label: "Buffer", color: "--chart-2", format: formatTime, ceiling: 500 });
  private readonly bitrate = new Chart({ label: "Bitrate", color: "--chart-3", format: formatBitrate, ceiling: 1e6 });
  private readonly dropped = new Chart({ label: "Dropped groups", color: "--chart-4", format: String, ceiling: 5 });

  constructor() {
    this.element.hidden = true;
    const charts = [this.latency, this.buffer, this.bitrate, this.dropped].map((chart) => chart.element);
    this.element.append(el("div", { class: "charts" }, ...charts), this.facts);
  }

  toggle(): boolean {
    this.element.hidden = !this.element.hidden;
    return !this.element.hidden;
  }

  /** Takes a sample; it is kept while hidden too, so that opening shows the past minute. */
  update(stats: PlayerStats): void {
    this.latency.add(stats.latency);
    this.buffer.add(stats.bufferAhead);
    this.bitrate.add(stats.bitrate);
    this.dropped.add(stats.droppedGroups);
    if (this.element.hidden) {
      return;
    }
    for (const chart of [this.latency, this.buffer, this.bitrate, this.dropped]) {
      chart.draw();
    }
    this.facts.replaceChildren(...factsOf(stats).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  }
}

function factsOf(stats: PlayerStats): [string, string][] {
  const picture = stats.width > 0 ? `${stats.width} × ${stats.height}` : "–";
  const codecs = [stats.videoCodec, stats.audioCodec].filter((codec) => codec !== null).join(", ");
  return [
    ["Transport", stats.transport ? `${transports[stats.carrier ?? stats.transport] ?? "MoQ"}${stats.draft ? ` · ${stats.draft}` : ""}` : "–"],
    ["Picture", picture],
    ["Codecs", codecs || "–"],
    ["Target buffer", formatTime(stats.targetBuffer)],
    ["Needed (picture, sound)", `${formatTime(stats.needed.video)}, ${formatTime(stats.needed.audio)}`],
    ["Arrival jitter", formatTime(stats.jitter)],
    ["Playback rate", `${stats.playbackRate.toFixed(2)} ×`],
    ["Join time", formatTime(stats.joinTime)],
    ["Stalls", `${stats.stalls} (${formatTime(stats.stallTime)})`],
    ["Jumps", String(stats.jumps)],
    ["Reconnects", String(stats.reconnects)],
    ["Dropped frames", String(stats.droppedFrames)],
  ];
}
