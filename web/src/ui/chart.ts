export interface ChartConfig {
  readonly label: string;
  /** The colour's custom property, such as "--chart-1". */
  readonly color: string;
  readonly format: (value: number) => string;
  /** The scale reaches at least so far up. */
  readonly ceiling: number;
}

/** One minute at four samples a second. */
const capacity = 240;
const width = 240;
const height = 44;

/** A line of one figure over the last minute, drawn on a canvas. */
export class Chart {
  readonly element = document.createElement("div");
  private readonly value = document.createElement("output");
  private readonly canvas = document.createElement("canvas");
  private readonly values: (number | null)[] = [];

  constructor(private readonly config: ChartConfig) {
    const label = document.createElement("span");
    label.textContent = config.label;
    const head = document.createElement("div");
    head.className = "chart-head";
    head.append(label, this.value);
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `${config.label} over the last minute`);
    this.element.className = "chart";
    this.element.append(head, this.canvas);
  }

  add(value: number | null): void {
    this.values.push(value);
    if (this.values.length > capacity) {
      this.values.shift();
    }
  }

  draw(): void {
    const last = this.values.at(-1) ?? null;
    this.value.textContent = last === null ? "–" : this.config.format(last);
    const context = this.prepare();
    if (context) {
      this.drawGrid(context);
      this.drawLine(context);
    }
  }

  /** A pixel of the canvas is one of the screen, so that lines stay sharp. */
  private prepare(): CanvasRenderingContext2D | null {
    const scale = Math.max(1, globalThis.devicePixelRatio || 1);
    const wanted = Math.round((this.canvas.clientWidth || width) * scale);
    if (this.canvas.width !== wanted || this.canvas.height !== Math.round(height * scale)) {
      this.canvas.width = wanted;
      this.canvas.height = Math.round(height * scale);
    }
    const context = this.canvas.getContext("2d");
    context?.setTransform(this.canvas.width / width, 0, 0, this.canvas.height / height, 0, 0);
    context?.clearRect(0, 0, width, height);
    return context;
  }

  private drawGrid(context: CanvasRenderingContext2D): void {
    const style = getComputedStyle(this.canvas);
    context.strokeStyle = style.getPropertyValue("--grid");
    context.lineWidth = 1;
    context.beginPath();
    for (const y of [0.5, height / 2 + 0.5, height - 0.5]) {
      context.moveTo(0, y);
      context.lineTo(width, y);
    }
    context.stroke();
    context.fillStyle = style.getPropertyValue("--muted");
    context.font = "9px system-ui, sans-serif";
    context.textBaseline = "top";
    context.fillText(this.config.format(this.top), 2, 3);
  }

  private drawLine(context: CanvasRenderingContext2D): void {
    const color = getComputedStyle(this.canvas).getPropertyValue(this.config.color);
    for (const run of this.runs()) {
      const first = run[0];
      const last = run.at(-1);
      if (!first || !last) {
        continue;
      }
      context.beginPath();
      run.forEach(([x, y]) => context.lineTo(x, y));
      context.strokeStyle = color;
      context.lineWidth = 1.75;
      context.lineJoin = "round";
      context.stroke();
      context.lineTo(last[0], height);
      context.lineTo(first[0], height);
      context.globalAlpha = 0.16;
      context.fillStyle = color;
      context.fill();
      context.globalAlpha = 1;
    }
  }

  /** The points of each stretch without unknown values. */
  private runs(): [number, number][][] {
    const { top } = this;
    const runs: [number, number][][] = [[]];
    this.values.forEach((value, i) => {
      if (value === null) {
        runs.push([]);
        return;
      }
      const x = width - ((this.values.length - 1 - i) * width) / (capacity - 1);
      runs.at(-1)?.push([x, height - 2 - (Math.max(0, value) / top) * (height - 6)]);
    });
    return runs;
  }

  private get top(): number {
    const highest = Math.max(this.config.ceiling, ...this.values.map((value) => value ?? 0));
    const magnitude = 10 ** Math.floor(Math.log10(highest));
    return [1, 2, 2.5, 5, 10].map((step) => step * magnitude).find((top) => top >= highest) ?? highest;
  }
}
