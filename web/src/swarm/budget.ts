import type { Memory } from "./settings.ts";

const minute = 60_000;
/** Uploads are remembered by the slot of ten minutes they were made in. */
const slot = 10 * minute;
const hour = 60 * minute;
const day = 24 * hour;
/** What was uploaded since the last saving that a crash may forget. */
const unsavedLimit = 1 << 20;

export interface BudgetLimits {
  /** Bytes in any hour and in any day; 0: no limit. */
  readonly hourly: number;
  readonly daily: number;
}

/**
 * Counts what this browser uploads for an operator, over visits, against limits of an
 * hour and of a day. Several tabs share the count as far as they have saved it.
 */
export class UploadBudget {
  private slots: Map<number, number>;
  private unsaved = 0;

  constructor(
    private readonly limits: BudgetLimits,
    private readonly memory: Memory | undefined,
    private readonly key: string,
    private readonly now: () => number = Date.now,
  ) {
    this.slots = this.load() ?? new Map();
  }

  /** So many bytes were uploaded. */
  spend(bytes: number): void {
    const at = Math.floor(this.now() / slot);
    this.slots.set(at, (this.slots.get(at) ?? 0) + bytes);
    this.unsaved += bytes;
    if (this.unsaved >= unsavedLimit) {
      this.save();
    }
  }

  /** Bytes that may still be uploaded now; Infinity without limits. */
  get left(): number {
    const { hourly, daily } = this.limits;
    const byHour = hourly > 0 ? hourly - this.within(hour) : Infinity;
    const byDay = daily > 0 ? daily - this.within(day) : Infinity;
    return Math.max(0, Math.min(byHour, byDay));
  }

  /** Writes down what was uploaded since the last time; the end of a visit should. */
  save(): void {
    const slots = this.load();
    if (slots) {
      const at = Math.floor(this.now() / slot);
      slots.set(at, (slots.get(at) ?? 0) + this.unsaved);
      this.slots = slots;
    }
    this.forgetOld();
    if (!slots || this.store()) {
      this.unsaved = 0;
    }
  }

  private store(): boolean {
    try {
      this.memory?.setItem(this.key, JSON.stringify([...this.slots]));
      return true;
    } catch {
      return false; // A full or forbidden store: the count holds for this visit.
    }
  }

  private within(time: number): number {
    const first = Math.floor((this.now() - time) / slot);
    let sum = 0;
    for (const [at, bytes] of this.slots) {
      sum += at > first ? bytes : 0;
    }
    return sum;
  }

  private forgetOld(): void {
    const first = Math.floor((this.now() - day) / slot);
    for (const at of [...this.slots.keys()].filter((at) => at <= first)) {
      this.slots.delete(at);
    }
  }

  /** What is saved, as far as it is a count; undefined where nothing can be saved. */
  private load(): Map<number, number> | undefined {
    try {
      if (this.memory) {
        const saved: unknown = JSON.parse(this.memory.getItem(this.key) ?? "[]");
        return new Map(Array.isArray(saved) ? saved.filter(isSlot).slice(-day / slot - 1) : []);
      }
    } catch {
      // Nobody else's text is worth keeping.
    }
    return undefined;
  }
}

function isSlot(entry: unknown): entry is [number, number] {
  return Array.isArray(entry) && entry.length === 2 && entry.every((part) => Number.isFinite(part) && part >= 0);
}
