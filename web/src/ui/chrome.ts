import type { FreshetPlayer } from "../player.ts";
import { el } from "./dom.ts";
import { formatTime } from "./format.ts";
import { button, setButton } from "./icons.ts";
import { Sharing } from "./sharing.ts";
import { StatsPanel } from "./statspanel.ts";

const idleAfter = 3000;
const sampleInterval = 250;
const noticeDelay = 1500;

/** The controls around the picture: they show what the player is and does. */
export class Chrome {
  readonly video = el("video", { playsinline: "" });
  readonly element: HTMLElement;
  private readonly title = el("span", { class: "title" });
  private readonly badge = el("span", { class: "badge" }, "LIVE");
  private readonly chip = el("span", { class: "chip", title: "From the encoder's output to your screen" });
  private readonly playButton = button("play", "Play");
  private readonly muteButton = button("muted", "Unmute");
  private readonly statsButton = button("stats", "Statistics (I)");
  private readonly fullscreenButton = button("enlarge", "Full screen (F)");
  private readonly unmute = button("muted", "Unmute");
  private readonly panel = new StatsPanel();
  private readonly sharing = new Sharing(() => this.toggleSharing());
  private readonly notice = el("div", { class: "notice", role: "status" });
  private readonly spinner = el("div", { class: "spinner" });
  private readonly noticeText = el("p");
  private player: FreshetPlayer | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;
  private idleTimer: ReturnType<typeof setTimeout> | undefined;
  private noticeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.unmute.className = "unmute";
    this.unmute.append("Tap for sound");
    this.unmute.hidden = true;
    this.chip.hidden = true;
    this.notice.append(this.spinner, this.noticeText);
    this.statsButton.setAttribute("aria-pressed", "false");
    const top = el("div", { class: "bar top" }, this.title, this.badge);
    const controls = [this.playButton, this.muteButton, el("span", { class: "space" }), this.chip];
    const bottom = el("div", { class: "bar bottom" }, ...controls, this.sharing.button, this.statsButton, this.fullscreenButton);
    this.element = el("div", { class: "frame", part: "frame" });
    this.element.append(this.video, this.notice, top, bottom, this.unmute, this.panel.element);
    this.element.append(this.sharing.sign, this.sharing.panel.element, this.sharing.prompt.element);
    this.listen();
  }

  /** Shows a player; its state and figures are followed until detach. asks: see Sharing. */
  attach(player: FreshetPlayer, title: string, asks: boolean | undefined): void {
    this.player = player;
    this.sharing.attach(player, asks);
    this.title.textContent = title;
    this.video.setAttribute("aria-label", `Live picture of ${title}`);
    player.addEventListener("statechange", () => this.showState());
    player.addEventListener("mute", () => (this.unmute.hidden = false));
    this.timer = setInterval(() => this.sample(), sampleInterval);
    this.showState();
    this.showButtons();
  }

  detach(): void {
    clearInterval(this.timer);
    clearTimeout(this.idleTimer);
    clearTimeout(this.noticeTimer);
    this.player = undefined;
  }

  /** Returns whether the key was one of ours. */
  handleKey(key: string): boolean {
    const actions: Record<string, () => void> = {
      i: () => this.toggleStats(),
      m: () => this.toggleMute(),
      f: () => this.toggleFullscreen(),
      p: () => this.toggleSharing(),
      k: () => this.togglePlay(),
      " ": () => this.togglePlay(),
    };
    const action = actions[key.toLowerCase()];
    action?.();
    return action !== undefined;
  }

  private listen(): void {
    this.playButton.addEventListener("click", () => this.togglePlay());
    this.muteButton.addEventListener("click", () => this.toggleMute());
    this.unmute.addEventListener("click", () => this.toggleMute());
    this.statsButton.addEventListener("click", () => this.toggleStats());
    this.fullscreenButton.addEventListener("click", () => this.toggleFullscreen());
    this.video.addEventListener("dblclick", () => this.toggleFullscreen());
    for (const type of ["play", "pause", "volumechange", "loadedmetadata", "emptied"]) {
      this.video.addEventListener(type, () => this.showButtons());
    }
    document.addEventListener("fullscreenchange", () => this.showButtons());
    for (const type of ["pointermove", "pointerdown", "focusin", "keydown"]) {
      this.element.addEventListener(type, () => this.wake());
    }
  }

  private togglePlay(): void {
    if (this.video.paused) {
      this.video.play().catch(() => undefined);
    } else {
      this.video.pause();
    }
  }

  private toggleMute(): void {
    this.video.muted = !this.video.muted;
    this.unmute.hidden = true;
  }

  private toggleStats(): void {
    const shown = this.panel.toggle();
    this.statsButton.setAttribute("aria-pressed", String(shown));
    if (shown) {
      this.sharing.show(false);
    }
    this.sample();
  }

  /** The two panels share a place. */
  private toggleSharing(): void {
    if (this.sharing.toggle()) {
      this.panel.element.hidden = true;
      this.statsButton.setAttribute("aria-pressed", "false");
    }
    this.sample();
  }

  private toggleFullscreen(): void {
    const root = this.element.getRootNode();
    const host = root instanceof ShadowRoot ? root.host : this.element;
    const change = document.fullscreenElement ? document.exitFullscreen() : host.requestFullscreen();
    change.catch(() => undefined);
  }

  private showButtons(): void {
    const { paused, muted } = this.video;
    this.playButton.hidden = this.video.readyState === HTMLMediaElement.HAVE_NOTHING;
    setButton(this.playButton, paused ? "play" : "pause", paused ? "Play" : "Pause");
    setButton(this.muteButton, muted ? "muted" : "sound", muted ? "Unmute (M)" : "Mute (M)");
    const full = document.fullscreenElement !== null;
    setButton(this.fullscreenButton, full ? "shrink" : "enlarge", full ? "Leave full screen (F)" : "Full screen (F)");
    this.wake();
  }

  private showState(): void {
    if (!this.player) {
      return;
    }
    const { state, message } = this.player;
    this.badge.classList.toggle("on", state === "playing");
    this.badge.textContent = state === "waiting" ? "OFFLINE" : "LIVE";
    this.showNotice(state === "playing" && message === "", state === "reconnecting");
    this.notice.classList.toggle("over", state !== "playing" && this.video.videoWidth > 0);
    this.spinner.hidden = state === "failed" || state === "playing" || state === "stopped";
    this.noticeText.textContent = message || (state === "connecting" ? "Connecting…" : "");
    this.wake();
  }

  /** A short interruption that the buffer bridges is not worth a word. */
  private showNotice(hidden: boolean, later: boolean): void {
    clearTimeout(this.noticeTimer);
    if (later && this.notice.hidden) {
      this.noticeTimer = setTimeout(() => (this.notice.hidden = false), noticeDelay);
    } else {
      this.notice.hidden = hidden;
    }
  }

  private sample(): void {
    if (!this.player) {
      return;
    }
    const stats = this.player.stats();
    this.chip.hidden = stats.latency === null;
    this.chip.textContent = `${formatTime(stats.latency)} latency`;
    this.panel.update(stats);
    this.sharing.update(stats);
  }

  private get panelShown(): boolean {
    return !this.panel.element.hidden || !this.sharing.panel.element.hidden;
  }

  /** Shows the controls, and hides them again when nothing moves. */
  private wake(): void {
    this.element.classList.remove("idle");
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => {
      const busy = this.video.paused || this.player?.state !== "playing" || this.panelShown;
      this.element.classList.toggle("idle", !busy);
    }, idleAfter);
  }
}
