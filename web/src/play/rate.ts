export interface RateConfig {
  readonly minimum: number;
  readonly maximum: number;
}

/** Seconds of error that are left alone: media arrives in steps of a chunk. What is more is made good, nearly all of it. */
const deadZone = 0.015;
const settled = 0.005;
/** Share of the error that is made good in a second. */
const gain = 0.4;
/** Seconds over which the measured buffer is smoothed. */
const smoothing = 0.6;
const stepsPerUnit = 100;
const leastStep = 1 / stepsPerUnit;

/** Holds the buffer at its target by playing a little faster or slower. */
export class RateController {
  private smoothed: number | undefined;
  private correcting = false;

  constructor(private readonly config: RateConfig) {}

  /** After a jump the past says nothing. */
  reset(): void {
    this.smoothed = undefined;
    this.correcting = false;
  }

  /** The rate for a buffer of so many seconds, seconds after the last call. */
  update(buffer: number, target: number, elapsed: number): number {
    const weight = 1 - Math.exp(-elapsed / smoothing);
    this.smoothed = this.smoothed === undefined ? buffer : this.smoothed + (buffer - this.smoothed) * weight;
    const error = this.smoothed - target;
    this.correcting = Math.abs(error) > (this.correcting ? settled : deadZone);
    if (!this.correcting) {
      return 1;
    }
    const rate = 1 + Math.sign(error) * Math.max(leastStep, gain * Math.abs(error));
    const clamped = Math.min(this.config.maximum, Math.max(this.config.minimum, rate));
    return Math.round(clamped * stepsPerUnit) / stepsPerUnit;
  }
}
