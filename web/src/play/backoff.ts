/** Waiting times that double up to a limit, spread so that viewers do not return as one. */
export class Backoff {
  private tries = 0;

  constructor(
    private readonly first: number,
    private readonly limit: number,
    private readonly random: () => number = Math.random,
  ) {}

  /** Milliseconds until the next try. */
  next(): number {
    const full = Math.min(this.limit, this.first * 2 ** Math.min(this.tries, 16));
    this.tries++;
    return full * (0.5 + this.random() / 2);
  }

  /** Nothing was tried again since the last success. */
  get fresh(): boolean {
    return this.tries === 0;
  }

  reset(): void {
    this.tries = 0;
  }
}

/** Resolves after so many milliseconds, or at once when the signal fires. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      return resolve();
    }
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
  });
}
