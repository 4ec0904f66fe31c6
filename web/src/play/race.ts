export interface Race<C, R> {
  readonly candidates: readonly C[];
  /** Milliseconds that a candidate has before the next one is tried beside it. */
  readonly headStart: number;
  readonly signal: AbortSignal;
  attempt(candidate: C, signal: AbortSignal): Promise<R>;
  /** Takes what came of an attempt that is not wanted any more. */
  dispose(result: R): void;
}

/**
 * Tries candidates until one succeeds: the next one when the last has failed, or
 * beside it when its head start is over. The first success counts, and all other
 * attempts are aborted. When all fail it rejects with the error of the first.
 */
export function firstOf<C, R>(race: Race<C, R>): Promise<{ candidate: C; result: R }> {
  return new Promise((resolve, reject) => new Run(race, resolve, reject).startNext());
}

class Run<C, R> {
  private readonly over = new AbortController();
  private readonly errors: unknown[] = [];
  private next = 0;
  private failures = 0;

  constructor(
    private readonly race: Race<C, R>,
    private readonly resolve: (value: { candidate: C; result: R }) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    const stop = (): void => this.end(() => reject(new Error("stopped")));
    race.signal.addEventListener("abort", stop, { once: true, signal: this.over.signal });
    if (race.signal.aborted) {
      stop();
    }
    if (race.candidates.length === 0) {
      this.end(() => reject(new Error("there is nobody to ask")));
    }
  }

  startNext(): void {
    const index = this.next;
    const candidate = this.race.candidates[index];
    if (candidate === undefined || this.over.signal.aborted) {
      return;
    }
    this.next++;
    const timer = setTimeout(() => this.startNext(), this.race.headStart);
    this.race
      .attempt(candidate, this.over.signal)
      .finally(() => clearTimeout(timer))
      .then(
        (result) => this.won(candidate, result),
        (error: unknown) => this.lost(index, error),
      );
  }

  private won(candidate: C, result: R): void {
    if (this.over.signal.aborted) {
      this.race.dispose(result);
      return;
    }
    this.end(() => this.resolve({ candidate, result }));
  }

  private lost(index: number, error: unknown): void {
    this.errors[index] = error;
    this.failures++;
    if (this.failures >= this.race.candidates.length) {
      this.end(() => this.reject(this.errors[0]));
    } else if (index === this.next - 1) {
      this.startNext();
    }
  }

  private end(settle: () => void): void {
    if (!this.over.signal.aborted) {
      this.over.abort();
      settle();
    }
  }
}
