export type PaceOptions = {
  readonly perSecond: number;
  /** So many at once after a quiet time. */
  readonly burst: number;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
};

/** How many requests a second there may be: a bucket that fills with time. Work that has begun may overdraw it. */
export class Pace {
  readonly #options: PaceOptions;
  #tokens: number;
  #at: number;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#tokens = options.burst;
    this.#at = options.now();
  }

  /** One more request is sent. */
  spend(): void {
    this.#fill();
    this.#tokens -= 1;
  }

  /** How long until there is room for one more, with so many left for others. */
  waitMs(reserve = 0): number {
    this.#fill();
    return Math.max(0, ((1 + reserve - this.#tokens) * 1_000) / this.#options.perSecond);
  }

  #fill(): void {
    const { perSecond, burst, now } = this.#options;
    const at = now();
    this.#tokens = Math.min(burst, this.#tokens + ((at - this.#at) * perSecond) / 1_000);
    this.#at = at;
  }
}
