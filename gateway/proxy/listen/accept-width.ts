/** So many copies of each socket a busy worker listens on. */
const WIDE = 8;
/** Looked at no more often than this, and only while connections come. */
const LOOK_MS = 50;
/** Mean length of a busy loop turn above which one accept a turn is too few (1,000 a second)... */
const LONG_TURN_MS = 1;
/** ...and below which it is enough again. */
const SHORT_TURN_MS = 0.5;

/** Loop turns so far, and the milliseconds that were not spent waiting in them. */
export type LoopActivity = { readonly turns: number; readonly activeMs: number };

/**
 * Decides on how many copies of each listening socket a worker listens. libuv accepts one connection per copy and loop
 * turn: where turns are long, a single copy lets new connections starve beside busy ones; where they are short, each
 * further copy costs every new connection an accept that finds nothing.
 */
export class AcceptWidth {
  readonly #activity: () => LoopActivity;
  readonly #now: () => number;
  #width = 1;
  #lookedAt: number;
  #before: LoopActivity;

  constructor(activity: () => LoopActivity, now: () => number) {
    this.#activity = activity;
    this.#now = now;
    this.#lookedAt = now();
    this.#before = activity();
  }

  get current(): number {
    return this.#width;
  }

  /** To be called when a connection came. True when `current` has changed. */
  review(): boolean {
    const now = this.#now();
    if (now - this.#lookedAt < LOOK_MS) return false;
    this.#lookedAt = now;
    const before = this.#before;
    const activity = this.#activity();
    this.#before = activity;
    const turnMs = (activity.activeMs - before.activeMs) / Math.max(1, activity.turns - before.turns);
    const width = turnMs > LONG_TURN_MS ? WIDE : turnMs < SHORT_TURN_MS ? 1 : this.#width;
    const changed = width !== this.#width;
    this.#width = width;
    return changed;
  }
}
