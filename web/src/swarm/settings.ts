import { type Consent } from "./stats.ts";
import { UploadBudget } from "./budget.ts";

/** What is remembered between visits; localStorage, or a Map in tests. */
export type Memory = Pick<Storage, "getItem" | "setItem">;

export interface SwarmSettingsConfig {
  /** "off": the page takes no part in swarms, and nobody is asked. */
  readonly use: "auto" | "off";
  /** Before anybody asked; what is remembered comes first. */
  readonly consent: Consent;
  /** Under whose name the answer is remembered. */
  readonly operator: string;
  /** bit/s of upload that the page allows; 0: no limit of its own. */
  readonly cap: number;
  /** Bytes of upload in an hour and in a day; 0: no limit. */
  readonly hourly: number;
  readonly daily: number;
}

const prefix = "freshet.swarm.";

/**
 * What the viewer and the page's author decided about passing video on: `player.swarm`.
 * A "change" event tells of a new answer. The answer is remembered in the browser with
 * the operator's key, so that one operator's consent is no other's.
 */
export class SwarmSettings extends EventTarget {
  readonly budget: UploadBudget;
  private answer: Consent;

  constructor(
    readonly config: SwarmSettingsConfig,
    private readonly memory: Memory | undefined = browserMemory(),
  ) {
    super();
    this.budget = new UploadBudget(config, memory, `${prefix}${config.operator}.uploaded`);
    this.answer = parseConsent(this.recall()) ?? config.consent;
  }

  get consent(): Consent {
    return this.answer;
  }

  /** The viewer's answer; it is remembered and takes effect at once. */
  set consent(answer: Consent) {
    if (answer === this.answer) {
      return;
    }
    this.answer = answer;
    this.remember(answer);
    this.dispatchEvent(new Event("change"));
  }

  /** What holds as long as the viewer has not answered; it is not remembered. */
  presume(answer: Consent): void {
    if (this.answer === "unset" && answer !== "unset") {
      this.answer = answer;
      this.dispatchEvent(new Event("change"));
    }
  }

  /** bit/s that the page allows for upload; 0: no limit of its own. */
  get cap(): number {
    return this.config.cap;
  }

  private get key(): string {
    return `${prefix}${this.config.operator}.consent`;
  }

  private recall(): string | null {
    try {
      return this.memory?.getItem(this.key) ?? null;
    } catch {
      return null;
    }
  }

  private remember(answer: Consent): void {
    try {
      this.memory?.setItem(this.key, answer);
    } catch {
      // A full or forbidden store: the answer holds for this visit.
    }
  }
}

export function parseConsent(value: string | null): Consent | undefined {
  return value === "unset" || value === "granted" || value === "denied" ? value : undefined;
}

/** Undefined where storage is forbidden, which already naming it may say. */
export function browserMemory(): Memory | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}
