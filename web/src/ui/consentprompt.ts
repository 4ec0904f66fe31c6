import type { SwarmSettings } from "../swarm/settings.ts";
import { el } from "./dom.ts";
import { slot } from "./swarmtexts.ts";

/**
 * Asks once whether this viewer passes video on. It covers no picture that matters, takes
 * no focus, and playback does not wait for it; closed without an answer it comes again
 * with the next visit.
 */
export class ConsentPrompt {
  readonly element = el("section", { class: "consent", role: "region", "aria-labelledby": "consent-title" });
  private settings: SwarmSettings | undefined;

  constructor() {
    this.element.hidden = true;
    const yes = el("button", { type: "button", class: "answer yes" }, slot("swarm-yes"));
    const no = el("button", { type: "button", class: "answer" }, slot("swarm-no"));
    yes.addEventListener("click", () => this.answer("granted"));
    no.addEventListener("click", () => this.answer("denied"));
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        this.close();
      }
    });
    const title = el("p", { class: "consent-title", id: "consent-title" }, slot("swarm-title"));
    this.element.append(title, el("p", {}, slot("swarm-text")), el("slot", { name: "swarm-more" }), el("div", { class: "answers" }, no, yes));
  }

  /** Shows the question, if it is open. */
  ask(settings: SwarmSettings): void {
    this.settings = settings;
    this.element.hidden = settings.consent !== "unset";
    settings.addEventListener("change", () => this.close());
  }

  private answer(consent: "granted" | "denied"): void {
    if (this.settings) {
      this.settings.consent = consent;
    }
    this.close();
  }

  /** Keys go to the player afterwards, not to a button that is gone. */
  private close(): void {
    const root = this.element.getRootNode();
    if (root instanceof ShadowRoot && this.element.contains(root.activeElement) && root.host instanceof HTMLElement) {
      root.host.focus({ preventScroll: true });
    }
    this.element.hidden = true;
  }
}
