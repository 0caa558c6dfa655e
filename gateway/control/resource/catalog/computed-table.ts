import { isDeepStrictEqual } from 'node:util';
import type { Bucket, Change } from './bucket-index.ts';
import { Reads } from './reads.ts';

/** What has to be looked at in this build; everything else is as it was. */
export type Refresh = {
  /** New names, and names whose own input was replaced. */
  readonly wanted: Iterable<string>;
  readonly dropped?: Iterable<string>;
  /** Buckets that changed: whatever was computed from one of them is computed again. */
  readonly changed: Iterable<Bucket<never>>;
};

/**
 * Values by name, each computed from the buckets that its computation looked into. A refresh costs as much as what is
 * touched, however many values there are.
 */
export class ComputedTable<T> {
  readonly #values = new Map<string, T>();
  readonly #readers = new ReaderIndex();
  readonly #compute: (name: string, reads: Reads) => T;
  readonly #isSame: (a: T, b: T) => boolean;

  /** `isSame` decides whether a value that was computed again may keep its identity; by default equal content does. */
  constructor(compute: (name: string, reads: Reads) => T, isSame: (a: T, b: T) => boolean = isDeepStrictEqual) {
    this.#compute = compute;
    this.#isSame = isSame;
  }

  get values(): ReadonlyMap<string, T> {
    return this.#values;
  }

  /** Brings the table up to date; gives the values that came, went or differ from before. */
  refresh({ wanted, dropped = [], changed }: Refresh): Map<string, Change<T>> {
    const changes = new Map<string, Change<T>>();
    for (const name of dropped) this.#drop(name, changes);
    const stale = new Set(wanted);
    for (const bucket of changed) for (const name of this.#readers.of(bucket)) stale.add(name);
    for (const name of stale) this.#recompute(name, changes);
    return changes;
  }

  #recompute(name: string, changes: Map<string, Change<T>>): void {
    const before = this.#values.get(name);
    const reads = new Reads();
    const after = this.#compute(name, reads);
    this.#readers.set(name, reads.buckets);
    if (before !== undefined && this.#isSame(before, after)) return;
    this.#values.set(name, after);
    changes.set(name, { before, after });
  }

  #drop(name: string, changes: Map<string, Change<T>>): void {
    const before = this.#values.get(name);
    this.#values.delete(name);
    this.#readers.delete(name);
    if (before !== undefined) changes.set(name, { before });
  }
}

/** So many readers are kept in a list; more in a set, which costs several times as much memory. */
const MAX_LISTED = 8;

type Readers = string | string[] | Set<string>;

/** Which names were computed from which buckets, both ways. Most buckets have one reader or two. */
class ReaderIndex {
  readonly #bucketsOf = new Map<string, readonly Bucket<never>[]>();
  readonly #readersOf = new Map<Bucket<never>, Readers>();

  of(bucket: Bucket<never>): Iterable<string> {
    const readers = this.#readersOf.get(bucket);
    if (readers === undefined) return [];
    return typeof readers === 'string' ? [readers] : readers;
  }

  set(name: string, buckets: ReadonlySet<Bucket<never>>): void {
    for (const bucket of this.#bucketsOf.get(name) ?? []) if (!buckets.has(bucket)) this.#unsubscribe(name, bucket);
    for (const bucket of buckets) this.#subscribe(name, bucket);
    this.#bucketsOf.set(name, [...buckets]);
  }

  delete(name: string): void {
    for (const bucket of this.#bucketsOf.get(name) ?? []) this.#unsubscribe(name, bucket);
    this.#bucketsOf.delete(name);
  }

  #subscribe(name: string, bucket: Bucket<never>): void {
    const readers = this.#readersOf.get(bucket);
    if (readers === undefined) this.#readersOf.set(bucket, name);
    else if (readers instanceof Set) readers.add(name);
    else if (readers !== name && !(Array.isArray(readers) && readers.includes(name)))
      this.#readersOf.set(bucket, joined(readers, name));
  }

  #unsubscribe(name: string, bucket: Bucket<never>): void {
    const readers = this.#readersOf.get(bucket);
    if (readers instanceof Set) readers.delete(name);
    else if (Array.isArray(readers) && readers.includes(name)) readers.splice(readers.indexOf(name), 1);
    if (readers === name || (typeof readers === 'object' && sizeOf(readers) === 0)) this.#readersOf.delete(bucket);
  }
}

function joined(readers: string | readonly string[], name: string): Readers {
  if (typeof readers === 'string') return [readers, name];
  return readers.length < MAX_LISTED ? [...readers, name] : new Set([...readers, name]);
}

function sizeOf(readers: string[] | Set<string>): number {
  return Array.isArray(readers) ? readers.length : readers.size;
}
