/** A map in which one may wait, for a bounded time, for a key to be set. */
export class Waiters<T> {
  private readonly values = new Map<number, T>();
  private readonly waiting = new Map<number, Set<(value: T | undefined) => void>>();

  set(key: number, value: T): void {
    this.values.set(key, value);
    this.wake(key, value);
  }

  delete(key: number): void {
    this.values.delete(key);
  }

  get(key: number, patience: number): Promise<T | undefined> {
    const value = this.values.get(key);
    if (value !== undefined) {
      return Promise.resolve(value);
    }
    return new Promise((resolve) => {
      const all = this.waiting.get(key) ?? new Set();
      const settle = (found: T | undefined) => {
        clearTimeout(timer);
        all.delete(settle);
        if (all.size === 0) {
          this.waiting.delete(key);
        }
        resolve(found);
      };
      const timer = setTimeout(() => settle(undefined), patience);
      this.waiting.set(key, all.add(settle));
    });
  }

  clear(): void {
    this.values.clear();
    for (const key of [...this.waiting.keys()]) {
      this.wake(key, undefined);
    }
  }

  private wake(key: number, value: T | undefined): void {
    for (const settle of [...(this.waiting.get(key) ?? [])]) {
      settle(value);
    }
  }
}
