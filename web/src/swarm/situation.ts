import type { Agent, Mode, NetType } from "./sessionmessage.ts";
import type { Consent, SwarmReason } from "./stats.ts";

/** What the viewer's machine says, as `hello` and `update` tell it. */
export interface Situation {
  readonly net: NetType;
  readonly saveData: boolean;
  readonly lowBattery: boolean;
  readonly hidden: boolean;
}

export interface Allowed {
  readonly mode: Mode;
  /** Null while the mode is "on". */
  readonly reason: SwarmReason | null;
}

/** A page that is hidden for so long (milliseconds) takes nothing from peers any more. */
export const hiddenPatience = 10_000;

/**
 * What the viewer's own side allows, whatever the edge says; hiddenFor: milliseconds, 0
 * while visible. A hidden page gives nothing from the first moment on: its timers are slow.
 */
export function allowedBy(consent: Consent, situation: Situation, hiddenFor: number, budgetLeft: number): Allowed {
  if (consent !== "granted") {
    return { mode: "edge", reason: "consent" };
  }
  if (situation.saveData) {
    return { mode: "edge", reason: "saveData" };
  }
  if (situation.lowBattery) {
    return { mode: "edge", reason: "battery" };
  }
  if (situation.hidden) {
    return { mode: hiddenFor >= hiddenPatience ? "edge" : "receive", reason: "hidden" };
  }
  if (situation.net === "cellular") {
    return { mode: "receive", reason: "cellular" };
  }
  return budgetLeft <= 0 ? { mode: "receive", reason: "budget" } : { mode: "on", reason: null };
}

const rank: Record<Mode, number> = { edge: 0, receive: 1, on: 2 };

/** The stricter of two; the first where they are equal. */
export function stricter(a: Allowed, b: Allowed): Allowed {
  return rank[b.mode] < rank[a.mode] ? b : a;
}

interface Connection extends EventTarget {
  readonly type?: string;
  readonly saveData?: boolean;
}

interface Battery extends EventTarget {
  readonly charging: boolean;
  readonly level: number;
}

/** Parts of navigator that TypeScript's DOM does not know, and that not every browser has. */
interface Machine {
  readonly connection?: Connection;
  readonly userAgentData?: { readonly mobile?: boolean };
  getBattery?(): Promise<Battery>;
}

/** Below it, on battery, every milliwatt counts. */
const lowLevel = 0.2;

/** Watches the viewer's machine. A "change" event tells that the situation is another. */
export class Watch extends EventTarget {
  private battery: Battery | undefined;
  private hiddenSince: number | undefined;
  private readonly machine = navigator as unknown as Machine;

  constructor() {
    super();
    document.addEventListener("visibilitychange", this.changed);
    this.machine.connection?.addEventListener("change", this.changed);
    this.noteVisibility();
    void this.watchBattery();
  }

  get situation(): Situation {
    const { battery } = this;
    return {
      net: netType(this.machine.connection?.type),
      saveData: this.machine.connection?.saveData === true,
      lowBattery: battery !== undefined && !battery.charging && battery.level < lowLevel,
      hidden: this.hiddenSince !== undefined,
    };
  }

  /** Milliseconds, 0 while visible. */
  hiddenFor(now: number): number {
    return this.hiddenSince === undefined ? 0 : now - this.hiddenSince;
  }

  stop(): void {
    document.removeEventListener("visibilitychange", this.changed);
    this.machine.connection?.removeEventListener("change", this.changed);
    this.battery?.removeEventListener("chargingchange", this.changed);
    this.battery?.removeEventListener("levelchange", this.changed);
  }

  private async watchBattery(): Promise<void> {
    this.battery = await this.machine.getBattery?.().catch(() => undefined);
    this.battery?.addEventListener("chargingchange", this.changed);
    this.battery?.addEventListener("levelchange", this.changed);
    this.changed();
  }

  private noteVisibility(): void {
    const hidden = document.visibilityState === "hidden";
    this.hiddenSince = hidden ? (this.hiddenSince ?? performance.now()) : undefined;
  }

  private readonly changed = (): void => {
    this.noteVisibility();
    this.dispatchEvent(new Event("change"));
  };
}

function netType(type: string | undefined): NetType {
  return type === "cellular" || type === "wifi" || type === "ethernet" ? type : "unknown";
}

/** A phone or a tablet: its uplink and its battery are to be spared. */
export function isMobile(): boolean {
  const told = (navigator as unknown as Machine).userAgentData?.mobile;
  return told ?? /Android|iPhone|iPad|Mobile/.test(navigator.userAgent);
}

export function agentOf(userAgent: string): Agent {
  if (/Firefox\//.test(userAgent)) {
    return "firefox";
  }
  if (/Chrom(e|ium)\//.test(userAgent)) {
    return "chromium";
  }
  return /Safari\//.test(userAgent) ? "safari" : "other";
}
