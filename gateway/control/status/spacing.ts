import type { ResourceKey } from '../resource/resource.ts';

export type SpacingOptions = {
  /** So many writes to one object may follow each other: people mend what they have just done. */
  readonly burst: number;
  /** What goes on is written this often. */
  readonly everyMs: number;
};

/** Keeps writes to one object apart when somebody goes on changing it: a bucket for each object that was written lately. */
export class Spacing {
  readonly #options: SpacingOptions;
  /** When the bucket of an object will be full again: it is as empty as this is far away. */
  readonly #fullAt = new Map<ResourceKey, number>();
  #sweptAt = 0;

  constructor(options: SpacingOptions) {
    this.#options = options;
  }

  wrote(key: ResourceKey, now: number): void {
    this.#sweep(now);
    this.#fullAt.set(key, Math.max(now, this.#fullAt.get(key) ?? 0) + this.#options.everyMs);
  }

  /** When it may be written again. */
  earliest(key: ResourceKey): number {
    const { burst, everyMs } = this.#options;
    return (this.#fullAt.get(key) ?? 0) - (burst - 1) * everyMs;
  }

  /** True while it is written again and again: whoever has nearly used up a burst is no person. */
  isRestless(key: ResourceKey, now: number): boolean {
    const { burst, everyMs } = this.#options;
    return (this.#fullAt.get(key) ?? 0) - now >= burst * 0.8 * everyMs;
  }

  gone(key: ResourceKey): void {
    this.#fullAt.delete(key);
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < this.#options.everyMs) return;
    this.#sweptAt = now;
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key);
  }
}
