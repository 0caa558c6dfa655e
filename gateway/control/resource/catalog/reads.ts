import type { Bucket, BucketIndex } from './bucket-index.ts';

/** The buckets that a computation looked into. */
export class Reads {
  readonly buckets = new Set<Bucket<never>>();

  /** What has this name; noted, so that the result is computed again when that changes. */
  items<T>(index: BucketIndex<T>, name: string): readonly T[] {
    const bucket = index.bucket(name);
    this.buckets.add(bucket as Bucket<never>);
    return index.items(bucket);
  }

  /** Takes over what an inner computation looked into. */
  include(buckets: Iterable<Bucket<never>>): void {
    for (const bucket of buckets) this.buckets.add(bucket);
  }
}

type Entry<T> = { readonly value: T; readonly buckets: readonly Bucket<never>[]; readonly computedAt: number };

/** Values computed for an object, which go when it goes; computed again only when a bucket they read has changed. */
export class MemoOf<O extends object, T> {
  readonly #entries = new WeakMap<O, Map<string, Entry<T>>>();

  /** Everything that is computed for an object, fresh or not. */
  valuesOf(owner: O): T[] {
    return [...(this.#entries.get(owner)?.values() ?? [])].map(({ value }) => value);
  }

  /** True when nothing that was computed for an object would come out otherwise; false when nothing was computed. */
  isFresh(owner: O): boolean {
    const entries = this.#entries.get(owner);
    return entries !== undefined && entries.size > 0 && entries.values().every(isFresh);
  }

  get(owner: O, name: string, revision: number, compute: (reads: Reads) => T): Entry<T> {
    let entries = this.#entries.get(owner);
    if (entries === undefined) this.#entries.set(owner, (entries = new Map()));
    let entry = entries.get(name);
    if (entry === undefined || !isFresh(entry)) {
      const reads = new Reads();
      entry = { value: compute(reads), buckets: [...reads.buckets], computedAt: revision };
      entries.set(name, entry);
    }
    return entry;
  }
}

function isFresh({ buckets, computedAt }: Entry<unknown>): boolean {
  return buckets.every((bucket) => bucket.changedAt <= computedAt);
}
