import type { KubeObject } from './kube-object.ts';

/**
 * One version of one object. `rest` is its JSON without the opening brace, apiVersion and kind, written once: lists and
 * watches put the right beginning before it.
 */
export type Entry = {
  readonly key: string;
  readonly revision: number;
  readonly object: KubeObject;
  readonly rest: Buffer;
};

/** One change, as watches tell it. `previous` is what the object was before. */
export type Change = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  readonly entry: Entry;
  readonly previous: Entry | undefined;
  /** Whole lines for watchers, by apiVersion: one serialisation for all of them. */
  readonly lines: Map<string, Buffer>;
};

type Revisions = { readonly revision: number; advance(): number };

/** The objects of one resource, their recent history, and those who watch it. */
export class Table {
  readonly #revisions: Revisions;
  readonly #history: number;
  readonly #entries = new Map<string, Entry>();
  readonly #watchers = new Set<(change: Change) => void>();
  readonly #snapshots = new Map<number, readonly Entry[]>();
  #changes: Change[] = [];
  /** Revisions below this one are forgotten. */
  #floor: number;
  #sorted: readonly Entry[] | undefined;

  constructor(revisions: Revisions, options: { history: number }) {
    this.#revisions = revisions;
    this.#history = options.history;
    this.#floor = 0;
  }

  get size(): number {
    return this.#entries.size;
  }

  get oldestRevision(): number {
    return this.#floor;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Stores `object` (which the caller gives away) under the next revision and tells the watchers. */
  put(object: KubeObject): Entry {
    const key = keyOf(object.metadata);
    const previous = this.#entries.get(key);
    const entry = makeEntry(key, object, this.#revisions.advance());
    this.#entries.set(key, entry);
    this.#record({
      type: previous ? 'MODIFIED' : 'ADDED',
      revision: entry.revision,
      entry,
      previous,
      lines: new Map(),
    });
    return entry;
  }

  /** Removes an object; its last state, under the revision of the removal, is what watchers see. */
  remove(key: string): Entry | undefined {
    const previous = this.#entries.get(key);
    if (previous === undefined) return undefined;
    this.#entries.delete(key);
    const object = { ...previous.object, metadata: { ...previous.object.metadata } };
    const entry = makeEntry(key, object, this.#revisions.advance());
    this.#record({ type: 'DELETED', revision: entry.revision, entry, previous, lines: new Map() });
    return entry;
  }

  /** All objects now, by key. */
  list(): readonly Entry[] {
    this.#sorted ??= [...this.#entries.values()].sort(byKey);
    return this.#sorted;
  }

  /** All objects as they were at `revision`, or undefined when that is forgotten. */
  listAt(revision: number): readonly Entry[] | undefined {
    if (revision < this.#floor) return undefined;
    const last = this.#changes.at(-1);
    if (last === undefined || last.revision <= revision) return this.list();
    const known = this.#snapshots.get(revision);
    if (known !== undefined) return known;
    const snapshot = this.#undoneTo(revision);
    this.#remember(revision, snapshot);
    return snapshot;
  }

  /** The changes after `revision`, or undefined when some of them are forgotten. */
  changesSince(revision: number): readonly Change[] | undefined {
    if (revision < this.#floor) return undefined;
    return this.#changes.slice(this.#firstAfter(revision));
  }

  /** Calls `listener` for every change until the returned function is called. */
  watch(listener: (change: Change) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  compact(floor: number): void {
    this.#floor = floor;
    this.#changes = [];
    this.#snapshots.clear();
  }

  /** Holds `entries` from now on, without any history: nobody is told. */
  restore(entries: readonly Entry[], floor: number): void {
    this.#entries.clear();
    for (const entry of entries) this.#entries.set(entry.key, entry);
    this.#sorted = undefined;
    this.compact(floor);
  }

  #record(change: Change): void {
    this.#sorted = undefined;
    this.#changes.push(change);
    if (this.#changes.length > this.#history * 1.25) this.#forget(this.#changes.length - this.#history);
    for (const watcher of this.#watchers) watcher(change);
  }

  #forget(count: number): void {
    const forgotten = this.#changes.splice(0, count);
    this.#floor = forgotten.at(-1)?.revision ?? this.#floor;
    for (const revision of this.#snapshots.keys()) if (revision < this.#floor) this.#snapshots.delete(revision);
  }

  #firstAfter(revision: number): number {
    return firstOf(this.#changes, (change) => change.revision > revision);
  }

  #undoneTo(revision: number): readonly Entry[] {
    const entries = new Map(this.#entries);
    for (let index = this.#changes.length - 1; index >= this.#firstAfter(revision); index--) {
      const change = this.#changes[index];
      if (change === undefined) continue;
      if (change.previous === undefined) entries.delete(change.entry.key);
      else entries.set(change.entry.key, change.previous);
    }
    return [...entries.values()].sort(byKey);
  }

  /** A client that pages comes back for the same revision; some few clients page at a time. */
  #remember(revision: number, snapshot: readonly Entry[]): void {
    this.#snapshots.set(revision, snapshot);
    if (this.#snapshots.size <= 8) return;
    const oldest = this.#snapshots.keys().next();
    if (!oldest.done) this.#snapshots.delete(oldest.value);
  }
}

/** `namespace/name`, or the name of what has no namespace. */
export function keyOf(metadata: { namespace?: string; name: string }): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

/** The index of the first of which this holds, in a list where it holds for all that follow; the length if for none. */
export function firstOf<T>(list: readonly T[], holds: (one: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(list[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function makeEntry(key: string, object: KubeObject, revision: number): Entry {
  object.metadata.resourceVersion = String(revision);
  const { apiVersion: _version, kind: _kind, ...rest } = object;
  return { key, revision, object, rest: Buffer.from(JSON.stringify(rest).slice(1)) };
}

function byKey(a: Entry, b: Entry): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
