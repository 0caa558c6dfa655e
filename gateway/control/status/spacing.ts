import type { ResourceKey } from '../resource/resource.ts';

/** So many writes to one object may follow each other: people mend what they have just done. */
const BURST = 10;
/** What goes on changing is written this often. */
const SPACING_MS = 10_000;
/** Whoever writes so many in a row is no person. */
const RESTLESS = 8;

/** Keeps writes to one object apart when somebody goes on changing it: a bucket for each object that was written lately. */
export class Spacing {
  /** When the bucket of an object will be full again: it is as empty as this is far away. */
  readonly #fullAt = new Map<ResourceKey, number>();
  #sweptAt = 0;

  wrote(key: ResourceKey, now: number): void {
    this.#sweep(now);
    this.#fullAt.set(key, Math.max(now, this.#fullAt.get(key) ?? 0) + SPACING_MS);
  }

  /** When it may be written again. */
  earliest(key: ResourceKey): number {
    return (this.#fullAt.get(key) ?? 0) - (BURST - 1) * SPACING_MS;
  }

  /** True while it is written again and again. */
  isRestless(key: ResourceKey, now: number): boolean {
    return (this.#fullAt.get(key) ?? 0) - now >= RESTLESS * SPACING_MS;
  }

  gone(key: ResourceKey): void {
    this.#fullAt.delete(key);
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < SPACING_MS) return;
    this.#sweptAt = now;
    for (const [key, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(key);
  }
}
