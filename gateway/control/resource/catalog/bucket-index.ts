/** One thing that came (`after` only), went (`before` only) or was replaced. */
export type Change<T> = { readonly before?: T | undefined; readonly after?: T | undefined };

/** So many things are kept in order; more are put in order only when somebody asks for them. */
const MAX_ORDERED = 64;

const NOTHING: readonly never[] = Object.freeze([]);

/**
 * Things that share a name, such as all Pods with one label. Made by {@link BucketIndex} alone. A label that every Pod
 * carries makes one huge bucket that nobody reads, so a change of a huge one costs nothing but the change.
 */
export class Bucket<T> {
  /** Revision of the build in which its content last changed. */
  changedAt = 0;
  #ordered: readonly T[] | undefined = NOTHING;
  /** Of a huge bucket. */
  #members: Set<T> | undefined;

  /** Everything in it, by the order that `compare` of its index gives. */
  items(compare: (a: T, b: T) => number): readonly T[] {
    this.#ordered ??= [...(this.#members ?? NOTHING)].sort(compare);
    return this.#ordered;
  }

  get size(): number {
    return this.#members?.size ?? this.#ordered?.length ?? 0;
  }

  change(removed: ReadonlySet<T>, added: readonly T[], compare: (a: T, b: T) => number): void {
    if (this.#members === undefined && this.size + added.length <= MAX_ORDERED) {
      const kept = this.items(compare).filter((item) => !removed.has(item));
      // A list that grew has room for more; of a hundred thousand lists of one, that is most of the memory.
      this.#ordered = [...kept, ...added].sort(compare).slice();
      return;
    }
    const members = (this.#members ??= new Set(this.#ordered));
    for (const item of removed) members.delete(item);
    for (const item of added) members.add(item);
    this.#ordered = undefined;
  }
}

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
      bucket = new Bucket();
      this.#buckets.set(name, bucket);
    }
    return bucket;
  }

  /** What has this name, in order. */
  items(bucket: Bucket<T>): readonly T[] {
    return bucket.items(this.#compare);
  }

  /** How many things have this name; for choosing where to look, which is no reading. */
  count(name: string): number {
    return this.#buckets.get(name)?.size ?? 0;
  }

  /** Applies the changes of one build; each touched bucket is changed once. Gives the touched ones by name. */
  apply(changes: Iterable<Change<T>>, revision: number): Map<string, Bucket<T>> {
    const changed = new Map<string, Bucket<T>>();
    for (const [name, { removed, added }] of this.#byName(changes)) {
      const bucket = this.bucket(name);
      bucket.change(removed, added, this.#compare);
      bucket.changedAt = revision;
      if (bucket.size === 0) this.#drop(name, bucket);
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
