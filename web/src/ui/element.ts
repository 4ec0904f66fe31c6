import { FreshetPlayer, type PlayerOptions } from "../player.ts";
import { parseConsent } from "../swarm/settings.ts";
import { Chrome } from "./chrome.ts";
import { styles } from "./styles.ts";

/**
 * `<freshet-player src="https://host:4443/live/cam1/">`, with optional
 * attributes transport (auto, moq, hls), target (milliseconds of buffer), fallbacks
 * (URLs of other gateways, spaces between), muted and title; for passing video on to
 * other viewers swarm-consent (ask, granted, denied), swarm-operator and swarm-cap
 * (bit/s). The player itself is its property `player`.
 */
export class FreshetPlayerElement extends HTMLElement {
  static readonly observedAttributes = ["src"];
  player: FreshetPlayer | undefined;
  private chrome: Chrome | undefined;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
    root.adoptedStyleSheets = [sheet];
  }

  connectedCallback(): void {
    this.tabIndex = this.tabIndex < 0 ? 0 : this.tabIndex;
    this.addEventListener("keydown", this.onKey);
    this.open();
  }

  disconnectedCallback(): void {
    this.removeEventListener("keydown", this.onKey);
    this.close();
  }

  attributeChangedCallback(): void {
    if (this.isConnected) {
      this.close();
      this.open();
    }
  }

  /** Takes a key as if it had been pressed on the player. */
  handleKey(event: KeyboardEvent): void {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat;
    const onButton = event.key === " " && event.composedPath()[0] instanceof HTMLButtonElement;
    if (plain && !onButton && this.chrome?.handleKey(event.key)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  private open(): void {
    const src = this.getAttribute("src");
    if (!src) {
      return;
    }
    this.chrome = new Chrome();
    this.chrome.video.muted = this.hasAttribute("muted");
    this.shadowRoot?.replaceChildren(this.chrome.element);
    this.player = new FreshetPlayer(this.chrome.video, this.options(src));
    this.chrome.attach(this.player, this.getAttribute("title") ?? this.player.name, this.asks());
  }

  private close(): void {
    this.player?.stop();
    this.chrome?.detach();
    this.player = undefined;
    this.chrome = undefined;
  }

  private options(src: string): PlayerOptions {
    const transport = this.getAttribute("transport");
    const target = Number(this.getAttribute("target"));
    return {
      url: src,
      ...(transport === "moq" || transport === "websocket" || transport === "hls" ? { transport } : {}),
      ...(target > 0 ? { targetBuffer: target } : {}),
      swarm: this.swarmOptions(),
      fallbacks: this.getAttribute("fallbacks")?.split(/\s+/).filter((url) => url !== "") ?? [],
    };
  }

  private asks(): boolean | undefined {
    const consent = this.getAttribute("swarm-consent");
    return consent === null ? undefined : consent === "ask";
  }

  private swarmOptions(): NonNullable<PlayerOptions["swarm"]> {
    const consent = parseConsent(this.getAttribute("swarm-consent"));
    const operator = this.getAttribute("swarm-operator");
    const cap = Number(this.getAttribute("swarm-cap"));
    const off = this.getAttribute("swarm") === "off";
    return { ...(off ? { use: "off" } : {}), ...(consent ? { consent } : {}), ...(operator ? { operator } : {}), ...(cap > 0 ? { cap } : {}) };
  }

  private readonly onKey = (event: KeyboardEvent): void => this.handleKey(event);
}
