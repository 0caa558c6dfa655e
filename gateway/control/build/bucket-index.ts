/** Things that share a name, such as all Pods with one label; replaced as a whole when one of them changes. */
export type Bucket<T> = {
  items: readonly T[];
  /** Revision of the build in which `items` last changed. */
  changedAt: number;
};

/** One thing that came (`after` only), went (`before` only) or was replaced. */
export type Change<T> = { readonly before?: T | undefined; readonly after?: T | undefined };

/**
 * Keeps things findable by name and remembers when each name's content last changed, so that what was built from a few
 * names can be checked for freshness by comparing a few numbers.
 */
export class BucketIndex<T> {
  readonly #buckets = new Map<string, Bucket<T>>();
  readonly #namesOf: (item: T) => readonly string[];
  readonly #compare: (a: T, b: T) => number;

  constructor(options: { namesOf: (item: T) => readonly string[]; compare: (a: T, b: T) => number }) {
    this.#namesOf = options.namesOf;
    this.#compare = options.compare;
  }

  /** The bucket of this name, empty if nothing has it yet; whoever keeps it sees later changes by `changedAt`. */
  bucket(name: string): Bucket<T> {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      bucket = { items: [], changedAt: 0 };
      this.#buckets.set(name, bucket);
    }
    return bucket;
  }

  /** Applies the changes of one build; each touched bucket is rebuilt once, in order. Gives the touched ones by name. */
  apply(changes: Iterable<Change<T>>, revision: number): Map<string, Bucket<T>> {
    const changed = new Map<string, Bucket<T>>();
    for (const [name, { removed, added }] of this.#byName(changes)) {
      const bucket = this.bucket(name);
      const kept = removed.size === 0 ? bucket.items : bucket.items.filter((item) => !removed.has(item));
      bucket.items = [...kept, ...added].sort(this.#compare);
      bucket.changedAt = revision;
      if (bucket.items.length === 0) this.#drop(name, bucket);
      changed.set(name, bucket);
    }
    return changed;
  }

  /** Nothing has the name any more: names of Pods come and go, the index must not grow with them. */
  #drop(name: string, bucket: Bucket<T>): void {
    bucket.changedAt = Number.POSITIVE_INFINITY;
    this.#buckets.delete(name);
  }

  #byName(changes: Iterable<Change<T>>): Map<string, { removed: Set<T>; added: T[] }> {
    const touched = new Map<string, { removed: Set<T>; added: T[] }>();
    const entry = (name: string) => {
      let found = touched.get(name);
      if (found === undefined) touched.set(name, (found = { removed: new Set(), added: [] }));
      return found;
    };
    for (const { before, after } of changes) {
      if (before !== undefined) for (const name of this.#namesOf(before)) entry(name).removed.add(before);
      if (after !== undefined) for (const name of this.#namesOf(after)) entry(name).added.push(after);
    }
    return touched;
  }
}
