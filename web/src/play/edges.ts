/** More edges than this are not remembered. */
const maxEdges = 16;

/**
 * The edges that a broadcast can be had from, as origins such as https://host:4443, in
 * the order in which they are to be tried. The first one serves.
 */
export class Edges {
  private order: string[];

  /** home: where the page's address leads. */
  constructor(
    readonly home: string,
    fallbacks: readonly string[] = [],
    private readonly random: () => number = Math.random,
  ) {
    this.order = [home];
    this.add(fallbacks);
  }

  get current(): string {
    return this.order[0] ?? this.home;
  }

  get all(): readonly string[] {
    return this.order;
  }

  get others(): readonly string[] {
    return this.order.slice(1);
  }

  /** Learns of more, each at a place drawn by lot: the viewers of a lost edge are spread over all others. */
  add(urls: readonly string[]): void {
    for (const origin of urls.flatMap(originOf)) {
      if (this.order.length < maxEdges && !this.order.includes(origin)) {
        this.order.splice(1 + Math.floor(this.random() * this.order.length), 0, origin);
      }
    }
  }

  /** That edge serves now, if it is one of these. */
  use(origin: string): void {
    if (this.order.includes(origin)) {
      this.order = [origin, ...this.order.filter((other) => other !== origin)];
    }
  }

  /** That edge does not serve: all others are tried before it. */
  failed(origin: string): void {
    if (this.order.includes(origin)) {
      this.order = [...this.order.filter((other) => other !== origin), origin];
    }
  }
}

function originOf(url: string): string[] {
  if (!URL.canParse(url)) {
    return [];
  }
  const { protocol, origin } = new URL(url);
  return protocol === "https:" || protocol === "http:" ? [origin] : [];
}
