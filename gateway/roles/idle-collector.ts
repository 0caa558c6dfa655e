import { realTimers, type Timers } from '../support/timers.ts';

/** Nothing has happened for so long. */
const IDLE_MS = 2_000;
/** So much garbage is worth the pause. */
const WORTH_BYTES = 48 * 1024 * 1024;

export type IdleCollectorOptions = {
  /** Bytes that live and dead objects take. */
  readonly heapUsed: () => number;
  /** Collects all garbage now. Absent where the program was not started with `--expose-gc`. */
  readonly collect: (() => void) | undefined;
  readonly timers?: Timers;
};

/**
 * Collects control's garbage while nothing happens. In a large cluster V8 takes 0.3 to 0.5 s for it, a little at a time, and
 * every change of that time waits for some of it (up to 250 ms were seen): better between changes than among them. The
 * first start leaves 100 MB and more of garbage, which nobody else would collect before many changes.
 */
export class IdleCollector {
  readonly #options: IdleCollectorOptions;
  readonly #timers: Timers;
  #cancel: (() => void) | undefined;
  /** Of these, most lived when they were last looked at. */
  #known = 0;

  constructor(options: IdleCollectorOptions) {
    this.#options = options;
    this.#timers = options.timers ?? realTimers;
  }

  /** Something was done, and left garbage. */
  worked(): void {
    this.#cancel?.();
    this.#cancel = this.#timers.after(IDLE_MS, () => this.#look());
  }

  close(): void {
    this.#cancel?.();
  }

  #look(): void {
    this.#cancel = undefined;
    const { heapUsed, collect } = this.#options;
    const used = heapUsed();
    // V8 has collected of its own accord.
    this.#known = Math.min(this.#known, used);
    if (collect === undefined || used - this.#known < WORTH_BYTES) return;
    collect();
    this.#known = heapUsed();
  }
}
