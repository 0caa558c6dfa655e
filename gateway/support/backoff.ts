export type BackoffOptions = {
  readonly firstMs: number;
  readonly longestMs: number;
  /** From 0 up to 1; the default is `Math.random`. */
  readonly random?: () => number;
};

/** Waiting times that double from failure to failure, each shortened by chance, so that many who failed together do not return together. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** How long to wait after one more failure: from half of the step to the whole of it. */
  next(): number {
    const { firstMs, longestMs, random = Math.random } = this.#options;
    const step = Math.min(longestMs, firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return step * (0.5 + random() / 2);
  }

  /** It works again: the next failure waits the shortest time. */
  reset(): void {
    this.#failures = 0;
  }
}
