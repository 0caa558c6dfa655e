import { Backoff } from '../../../support/backoff.ts';
import type { Timers } from '../../../support/timers.ts';
import { ApiError, isSameTrouble } from '../../kubernetes/api-error.ts';
import type { Discovery } from '../../kubernetes/discovery.ts';

/** Whoever asks for a look out of turn does not get one more often than this. */
const LEAST_MS = 2_000;
/** While nobody answers, this is how soon a cluster that is back is noticed at the latest. */
const BACKOFF = { firstMs: 500, longestMs: 5_000 };
/** A server that asks to be left alone for longer is asked after so long. */
const LONGEST_RETRY_AFTER_MS = 30_000;

export type DiscoveryLoopOptions = {
  readonly discovery: Discovery;
  readonly timers: Timers;
  /** CRDs that come and go are noticed after so long. */
  readonly everyMs: number;
  /** Kinds may have come or gone; `recovered` after a failure. */
  readonly onRefreshed: (outcome: { readonly recovered: boolean }) => void;
  readonly onFailed: () => void;
  readonly onDefect: (error: unknown) => void;
};

/** Asks a cluster again and again what it serves; the first to notice that it is back. */
export class DiscoveryLoop {
  readonly #options: DiscoveryLoopOptions;
  readonly #backoff = new Backoff(BACKOFF);
  readonly #closing = new AbortController();
  #failure: { readonly error: ApiError; readonly since: number } | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;
  #cancelHurry: (() => void) | undefined;

  constructor(options: DiscoveryLoopOptions) {
    this.#options = options;
  }

  /** Resolves after the first look, and goes on. */
  async start(): Promise<void> {
    await this.#look();
    void this.#goOn();
  }

  /** Looks soon, out of turn; not while it fails anyway. */
  hurry(): void {
    if (this.#failure !== undefined || this.#cancelHurry !== undefined) return;
    const { timers } = this.#options;
    const ms = Math.max(0, this.#lookedAt + LEAST_MS - timers.now());
    this.#cancelHurry = timers.after(ms, () => this.#wake?.());
  }

  /** Why the last look failed, and since when; undefined while all is well. */
  get failure(): { readonly error: ApiError; readonly since: number } | undefined {
    return this.#failure;
  }

  close(): void {
    this.#closing.abort();
    this.#wake?.();
    this.#cancelHurry?.();
  }

  async #goOn(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await this.#pause(this.#pauseMs());
      await this.#look();
    }
  }

  #pauseMs(): number {
    if (this.#failure === undefined) return this.#options.everyMs * (0.9 + Math.random() / 5);
    const asked = Math.min(this.#failure.error.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS);
    return Math.max(this.#backoff.next(), asked);
  }

  async #look(): Promise<void> {
    const { discovery, onRefreshed, onDefect, timers } = this.#options;
    const { signal } = this.#closing;
    if (signal.aborted) return;
    try {
      await discovery.refresh(signal).finally(() => (this.#lookedAt = timers.now()));
      if (signal.aborted) return;
      const recovered = this.#failure !== undefined;
      this.#failure = undefined;
      this.#backoff.reset();
      onRefreshed({ recovered });
    } catch (error) {
      if (!(error instanceof ApiError)) onDefect(error);
      else if (!signal.aborted) this.#failed(error);
    }
  }

  #failed(error: ApiError): void {
    const before = this.#failure;
    if (before !== undefined && isSameTrouble(before.error, error)) this.#failure = { error, since: before.since };
    else {
      this.#failure = { error, since: this.#options.timers.now() };
      this.#backoff.reset();
    }
    this.#options.onFailed();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.timers.after(ms, resolve);
      this.#wake = () => {
        cancel();
        this.#cancelHurry?.();
        this.#cancelHurry = undefined;
        resolve();
      };
    });
  }
}
