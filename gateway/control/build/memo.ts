import { isDeepStrictEqual } from 'node:util';
import type { Bucket } from './bucket-index.ts';

/** The buckets that a computation looked into. */
export class Reads {
  readonly buckets = new Set<Bucket<unknown>>();

  /** The content of a bucket; noted, so that the result is computed again when the bucket changes. */
  items<T>(bucket: Bucket<T>): readonly T[] {
    this.buckets.add(bucket);
    return bucket.items;
  }

  /** Takes over what an inner computation looked into. */
  include(entry: Entry<unknown>): void {
    for (const bucket of entry.buckets) this.buckets.add(bucket);
  }
}

/** A computed value with what it was computed from. */
export type Entry<T> = { readonly value: T; readonly buckets: readonly Bucket<unknown>[]; checkedAt: number };

/** Computed values by name. A value is computed again only when a bucket it was made from has changed. */
export class Memo<T> {
  readonly #entries = new Map<string, Entry<T>>();

  /** Up-to-date value; one that comes out equal to the last keeps its identity. */
  get(name: string, revision: number, compute: (reads: Reads) => T): Entry<T> {
    const known = this.#entries.get(name);
    const entry = refreshed(known, revision, compute);
    if (entry !== known) this.#entries.set(name, entry);
    return entry;
  }

  /** Forgets what was not asked for in this revision. */
  sweep(revision: number): void {
    for (const [name, entry] of this.#entries) if (entry.checkedAt !== revision) this.#entries.delete(name);
  }
}

/** As {@link Memo}, for values that belong to an object and go when it goes. */
export class MemoOf<O extends object, T> {
  readonly #memos = new WeakMap<O, Memo<T>>();

  get(owner: O, name: string, revision: number, compute: (reads: Reads) => T): Entry<T> {
    let memo = this.#memos.get(owner);
    if (memo === undefined) this.#memos.set(owner, (memo = new Memo()));
    return memo.get(name, revision, compute);
  }
}

function refreshed<T>(known: Entry<T> | undefined, revision: number, compute: (reads: Reads) => T): Entry<T> {
  if (known !== undefined && isFresh(known)) {
    known.checkedAt = revision;
    return known;
  }
  const reads = new Reads();
  const computed = compute(reads);
  const value = known !== undefined && isDeepStrictEqual(known.value, computed) ? known.value : computed;
  return { value, buckets: [...reads.buckets], checkedAt: revision };
}

function isFresh(entry: Entry<unknown>): boolean {
  for (const bucket of entry.buckets) if (bucket.changedAt > entry.checkedAt) return false;
  return true;
}
