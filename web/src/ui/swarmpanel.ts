import type { SwarmSettings } from "../swarm/settings.ts";
import type { SwarmStats } from "../swarm/stats.ts";
import { Chart } from "./chart.ts";
import { el } from "./dom.ts";
import { formatBitrate, formatBytes, formatPercent, formatTime } from "./format.ts";
import { SwarmPicture } from "./swarmpicture.ts";
import { reasonOf, setSlot, slot } from "./swarmtexts.ts";

/** What the swarm does for and by this viewer, and the switch for it. */
export class SwarmPanel {
  readonly element = el("section", { class: "stats swarm", "aria-label": "Sharing with other viewers" });
  private readonly toggleSwitch = el("button", { class: "switch", type: "button", role: "switch" });
  private readonly why = slot("swarm-starting");
  private readonly picture = new SwarmPicture();
  private readonly facts = el("dl");
  private readonly live = el("div", { class: "swarm-live" });
  private readonly offload = new Chart({ label: "From other viewers", color: "--chart-2", format: formatPercent, ceiling: 1 });
  private readonly upload = new Chart({ label: "Upload", color: "--chart-1", format: formatBitrate, ceiling: 1e6 });
  private settings: SwarmSettings | undefined;

  constructor() {
    this.element.hidden = true;
    this.toggleSwitch.append(el("span", { class: "switch-text" }, slot("swarm-switch")), el("span", { class: "track" }));
    this.toggleSwitch.addEventListener("click", () => this.flip());
    this.live.append(this.picture.element, el("div", { class: "charts" }, this.offload.element, this.upload.element), this.facts);
    this.element.append(this.toggleSwitch, el("p", { class: "why", role: "status" }, this.why), this.live);
  }

  attach(settings: SwarmSettings): void {
    this.settings = settings;
  }

  toggle(): boolean {
    this.element.hidden = !this.element.hidden;
    return !this.element.hidden;
  }

  /** Takes a sample; charts are kept while hidden too, so that opening shows the past minute. */
  update(stats: SwarmStats): void {
    this.offload.add(stats.offload);
    this.upload.add(stats.uploadRate);
    if (this.element.hidden) {
      return;
    }
    this.toggleSwitch.setAttribute("aria-checked", String(stats.consent === "granted"));
    setSlot(this.why, reasonOf(stats));
    this.live.hidden = stats.consent !== "granted";
    if (!this.live.hidden) {
      this.picture.draw(stats);
      this.offload.draw();
      this.upload.draw();
      this.facts.replaceChildren(...factsOf(stats).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
    }
  }

  private flip(): void {
    if (this.settings) {
      this.settings.consent = this.settings.consent === "granted" ? "denied" : "granted";
      this.toggleSwitch.setAttribute("aria-checked", String(this.settings.consent === "granted"));
    }
  }
}

function factsOf(stats: SwarmStats): [string, string][] {
  const open = stats.peers.filter((peer) => peer.state === "open").length;
  const limit = stats.cap > 0 ? formatBitrate(stats.cap) : "–";
  return [
    ["Viewers connected", String(open)],
    ["Received from viewers", formatBytes(stats.peerBytes)],
    ["Received from the server", formatBytes(stats.edgeBytes)],
    ["Hedges", `${stats.hedges} (${formatBytes(stats.hedgeBytes)})`],
    ["Late, twice", `${formatBytes(stats.lateBytes)}, ${formatBytes(stats.duplicateBytes)}`],
    ["Uploaded", formatBytes(stats.uploadBytes)],
    ["Upload limit", limit],
    ["Delay", formatTime(stats.delay)],
  ];
}
