import { generationOf } from '../kubernetes/generation.ts';
import type { ResourceKey } from '../resource/resource.ts';
import type { StoredObject } from '../source/object-store.ts';
import type { ObjectVersion } from '../source/source.ts';

/** What is waited for: the version itself, or one that is newer by the API server's own count. */
export type Awaited = { readonly version: ObjectVersion | undefined; readonly generation: number | undefined };

/** Waits until the source has told of an object what was written to where it is kept. */
export class Arrivals {
  readonly #objects: { get(key: ResourceKey): StoredObject | undefined };
  readonly #waiting = new Map<ResourceKey, Set<() => void>>();

  constructor(objects: { get(key: ResourceKey): StoredObject | undefined }) {
    this.#objects = objects;
  }

  /** The source has told of this object. */
  noted(key: ResourceKey): void {
    for (const look of this.#waiting.get(key) ?? []) look();
  }

  /** Resolves when it is there, when the object is gone, or when `signal` is aborted. */
  of(key: ResourceKey, awaited: Awaited, signal: AbortSignal): Promise<void> {
    if (this.#isThere(key, awaited) || signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (this.#isThere(key, awaited)) resolve();
    };
    const waiting = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, waiting.add(look));
    const giveUp = (): void => resolve();
    signal.addEventListener('abort', giveUp, { once: true });
    return promise.finally(() => {
      signal.removeEventListener('abort', giveUp);
      waiting.delete(look);
      if (waiting.size === 0) this.#waiting.delete(key);
    });
  }

  #isThere(key: ResourceKey, { version, generation }: Awaited): boolean {
    const newest = this.#objects.get(key)?.newest;
    if (newest === undefined || newest.fingerprint === version?.fingerprint) return true;
    const known = generationOf(newest.raw);
    return known !== undefined && generation !== undefined && known >= generation;
  }
}
