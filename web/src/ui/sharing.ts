import type { FreshetPlayer, PlayerStats } from "../player.ts";
import type { Asking } from "../swarm/stats.ts";
import { ConsentPrompt } from "./consentprompt.ts";
import { el } from "./dom.ts";
import { formatBitrate } from "./format.ts";
import { button, icon } from "./icons.ts";
import { SwarmPanel } from "./swarmpanel.ts";

/** Uploads below this rate (bit/s) are the protocol's own messages. */
const uploading = 10_000;

/**
 * All that a viewer sees of the swarm: a button and the panel behind it, a sign that is
 * there as long as video is uploaded, and the question. Nothing of it shows where the
 * broadcast has no swarm.
 */
export class Sharing {
  readonly button = button("share", "Sharing (P)");
  readonly sign = el("button", { type: "button", class: "sign" });
  readonly panel = new SwarmPanel();
  readonly prompt = new ConsentPrompt();
  private readonly rate = el("span");
  private player: FreshetPlayer | undefined;
  /** The page's word; undefined: the edge's counts. */
  private asks: boolean | undefined;
  private asked = false;

  constructor(onToggle: () => void) {
    this.button.hidden = true;
    this.sign.hidden = true;
    this.sign.append(icon("share"), this.rate);
    this.button.setAttribute("aria-pressed", "false");
    this.button.addEventListener("click", onToggle);
    this.sign.addEventListener("click", onToggle);
  }

  /** asks: whether the page wants people to be asked; undefined leaves that to the edge. */
  attach(player: FreshetPlayer, asks: boolean | undefined): void {
    this.player = player;
    this.asks = asks;
    this.panel.attach(player.swarm);
  }

  /** Returns whether the panel is open now. */
  toggle(): boolean {
    return this.show(this.panel.element.hidden);
  }

  show(shown: boolean): boolean {
    if (!this.button.hidden || !shown) {
      this.panel.element.hidden = !shown;
    }
    const open = !this.panel.element.hidden;
    this.button.setAttribute("aria-pressed", String(open));
    return open;
  }

  update({ swarm }: PlayerStats): void {
    this.button.hidden = swarm === null;
    const rate = swarm?.uploadRate ?? 0;
    this.sign.hidden = rate < uploading;
    if (!this.sign.hidden) {
      this.rate.textContent = `↑ ${formatBitrate(rate)}`;
      this.sign.title = "This browser passes video on to other viewers";
      this.sign.setAttribute("aria-label", `${this.sign.title}: ${formatBitrate(rate)}`);
    }
    if (!swarm) {
      this.show(false);
      return;
    }
    this.panel.update(swarm);
    if (!this.asked && this.player?.state === "playing") {
      this.settle(this.player, swarm.ask);
    }
  }

  /** Asks once; where the law leaves it to the operator the viewer sees the sign, and has the switch. */
  private settle({ swarm }: FreshetPlayer, word: Asking | null): void {
    const asks = this.asks ?? (word === null ? undefined : word === "ask");
    this.asked = asks !== undefined;
    if (asks) {
      this.prompt.ask(swarm);
    } else if (this.asks === undefined && word === "allow") {
      swarm.presume("granted");
    }
  }
}
