/** Where the objects of a track stand; groups and objects count upwards. */
export interface Position {
  group: number;
  object: number;
}

export interface SequencerHandler<T> {
  /** In order, each once; a group's object 0 always comes first. */
  deliver(item: T, group: number, object: number): void;
  /** The rest of a group is given up. */
  dropped(group: number): void;
  /** Whether nothing can lie between two items, so that a group's end need not be seen. */
  contiguous(before: T, after: T): boolean;
}

interface Group<T> {
  readonly items: Map<number, { item: T; bytes: number }>;
  /** Streams that may still bring objects. */
  open: number;
  seenStream: boolean;
  broken: boolean;
  /** When object 0 came, which is when playback could go on here. */
  readyAt: number | undefined;
}

const maxGroups = 16;
const maxBytes = 32 << 20;
/** What an object costs beside its payload, so that empty ones are bounded too. */
const objectOverhead = 256;
/** Streams of neighbouring groups may overtake each other by so much. */
const reorderPatience = 100;

/**
 * Puts the groups of one track back in order. A source buffer drops frames up to
 * the next key frame when it is fed out of order, so a group is delivered to its
 * end before the next one begins; it is given up when the next one is there and
 * the caller's patience has run out. What waits is bounded in groups and bytes.
 */
export class Sequencer<T> {
  private readonly groups = new Map<number, Group<T>>();
  private position: Position | undefined;
  /** What waits, with its overhead. */
  bytes = 0;
  private rejoining = true;
  /** The last delivered, of the group at position. */
  private last: T | undefined;

  constructor(private readonly handler: SequencerHandler<T>) {}

  /** A new connection: forgets what waits, and remembers where it stood. */
  reset(): void {
    this.groups.clear();
    this.bytes = 0;
    this.rejoining = true;
  }

  /** What is to be delivered next; undefined before the first. */
  get next(): Readonly<Position> | undefined {
    return this.position && { ...this.position };
  }

  /** Whether delivery can go on behind the last object, if that is fetched. */
  get resumable(): boolean {
    return this.position !== undefined;
  }

  /**
   * The beginning of the given group is being fetched, and that of so many groups
   * before it; undefined: the track has none yet. After a reset this is where
   * delivery starts: behind the last object if that is among them.
   */
  join(group: number | undefined, back = 0): void {
    const from = this.position?.group;
    const resumes = group !== undefined && from !== undefined && from <= group && from >= group - back;
    if (this.rejoining && !resumes) {
      this.position = group === undefined ? undefined : { group, object: 0 };
    }
    this.rejoining = false;
    for (const fetched of range(group, back)) {
      const entry = this.entry(fetched);
      if (entry) {
        entry.open++;
      }
    }
  }

  /** The fetch that join announced has ended. */
  joined(group: number, complete: boolean, now: number, back = 0): void {
    const missed = this.position?.group === group && this.position.object === 0;
    for (const fetched of range(group, back)) {
      const entry = this.groups.get(fetched);
      if (entry && fetched < group) {
        entry.seenStream = true; // The fetch has all of it.
      }
      this.end(fetched, complete, now);
    }
    if (!complete && missed) {
      this.forget(group, this.groups.get(group));
      this.position = { group: group + 1, object: 0 };
    }
    this.drain(now, Infinity);
  }

  open(group: number): void {
    const entry = this.entry(group);
    if (entry) {
      entry.open++;
      entry.seenStream = true;
    }
  }

  push(group: number, object: number, item: T, bytes: number, now: number): void {
    this.position ??= { group, object: 0 };
    const entry = this.entry(group);
    const isOld = group === this.position.group && object < this.position.object;
    if (!entry || isOld || entry.items.has(object)) {
      return;
    }
    entry.items.set(object, { item, bytes: bytes + objectOverhead });
    this.bytes += bytes + objectOverhead;
    if (object === 0) {
      entry.readyAt = now;
    }
    this.drain(now, Infinity);
    this.enforceLimits(now);
  }

  end(group: number, complete: boolean, now: number): void {
    const entry = this.groups.get(group);
    if (entry) {
      entry.open = Math.max(0, entry.open - 1);
      entry.broken ||= !complete;
      this.drain(now, Infinity);
    }
  }

  /** Delivers what it may; patience is how long a late group may hold up a newer one. */
  drain(now: number, patience: number): void {
    while (this.position) {
      this.deliverReady(this.position);
      const next = this.nextReady(this.position.group);
      if (next === undefined || !this.mayLeave(this.position.group, next, now, patience)) {
        return;
      }
      this.advance({ group: next, object: 0 });
    }
  }

  private entry(group: number): Group<T> | undefined {
    if (this.position && group < this.position.group) {
      return undefined;
    }
    let entry = this.groups.get(group);
    if (!entry && this.groups.size < maxGroups * 4) {
      entry = { items: new Map(), open: 0, seenStream: false, broken: false, readyAt: undefined };
      this.groups.set(group, entry);
    }
    return entry;
  }

  private deliverReady(position: Position): void {
    const entry = this.groups.get(position.group);
    for (;;) {
      const ready = entry?.items.get(position.object);
      if (!entry || !ready) {
        return;
      }
      entry.items.delete(position.object);
      this.bytes -= ready.bytes;
      this.last = ready.item;
      this.handler.deliver(ready.item, position.group, position.object++);
    }
  }

  /** The oldest later group that has its beginning. */
  private nextReady(after: number): number | undefined {
    let next: number | undefined;
    for (const [group, entry] of this.groups) {
      if (group > after && entry.readyAt !== undefined && (next === undefined || group < next)) {
        next = group;
      }
    }
    return next;
  }

  private mayLeave(current: number, next: number, now: number, patience: number): boolean {
    const entry = this.groups.get(current);
    if (entry && this.meets(entry, current, next)) {
      entry.open = 0;
      return true;
    }
    const waited = now - (this.groups.get(next)?.readyAt ?? now);
    if (waited >= patience) {
      return true;
    }
    const over = entry !== undefined && entry.open === 0 && (entry.seenStream || waited >= reorderPatience);
    return over && (next === current + 1 || waited >= reorderPatience);
  }

  /** The next group goes on where the last item ended: the rest is a late FIN. */
  private meets(entry: Group<T>, current: number, next: number): boolean {
    const first = this.groups.get(next)?.items.get(0)?.item;
    const whole = entry.items.size === 0 && next === current + 1;
    return whole && this.last !== undefined && first !== undefined && this.handler.contiguous(this.last, first);
  }

  private advance(to: Position): void {
    const from = this.position?.group ?? to.group;
    this.position = to;
    this.last = undefined;
    // A wider step is no loss: the broadcast was begun anew (its first group ID is the time).
    for (let group = from; group < to.group && to.group - from <= maxGroups; group++) {
      if (!isWhole(this.groups.get(group))) {
        this.handler.dropped(group);
      }
    }
    for (const [group, entry] of this.groups) {
      if (group < to.group) {
        this.forget(group, entry);
      }
    }
  }

  private forget(group: number, entry: Group<T> | undefined): void {
    this.groups.delete(group);
    for (const { bytes } of entry?.items.values() ?? []) {
      this.bytes -= bytes;
    }
  }

  private enforceLimits(now: number): void {
    while (this.groups.size > maxGroups || this.bytes > maxBytes) {
      const next = this.position && this.nextReady(this.position.group);
      if (next === undefined) {
        this.groups.clear();
        this.bytes = 0;
        this.position = undefined;
        return;
      }
      this.advance({ group: next, object: 0 });
      this.drain(now, Infinity);
    }
  }
}

/** A group and so many before it, the oldest first. */
function range(group: number | undefined, back: number): number[] {
  return group === undefined ? [] : Array.from({ length: back + 1 }, (_, i) => group - back + i);
}

/** Whether all of a group was delivered, as far as its streams told. */
function isWhole(entry: Group<unknown> | undefined): boolean {
  return entry !== undefined && !entry.broken && entry.open === 0 && entry.items.size === 0;
}
