/** Keys are spread over so many maps; a change copies the maps that it touches. */
const SHARDS = 2_048;

type Shard<V> = ReadonlyMap<string, V>;
const EMPTY_SHARD: Shard<never> = new Map<string, never>();

/** A key whose value came, went or is another object now. */
export type TableChange<V> = { readonly key: string; readonly before: V | undefined; readonly after: V | undefined };

/**
 * Units of one kind by key. Immutable: a changed copy costs what is changed, and so does the comparison of two that
 * have a common past, however many units there are.
 */
export class UnitTable<V extends object> {
  static readonly #empty = new UnitTable<never>(
    Array.from({ length: SHARDS }, () => EMPTY_SHARD),
    0,
  );
  readonly #shards: readonly Shard<V>[];
  readonly size: number;
  #record: Readonly<Record<string, V>> | undefined;

  private constructor(shards: readonly Shard<V>[], size: number) {
    this.#shards = shards;
    this.size = size;
  }

  static empty<V extends object>(): UnitTable<V> {
    return UnitTable.#empty;
  }

  /** The table of a record; of a frozen record always the same one. */
  static of<V extends object>(record: Readonly<Record<string, V>>): UnitTable<V> {
    const known = tables.get(record) as UnitTable<V> | undefined;
    if (known !== undefined) return known;
    const table = UnitTable.empty<V>().with(Object.entries(record), []);
    if (!Object.isFrozen(record)) return table;
    tables.set(record, table);
    table.#record ??= record;
    return table;
  }

  get(key: string): V | undefined {
    return this.#shards[shardOf(key)]?.get(key);
  }

  /** A table with these units set and those keys removed; this one if that changes nothing. */
  with(set: Iterable<readonly [key: string, unit: V]>, removed: Iterable<string>): UnitTable<V> {
    const copies = new Map<number, Map<string, V>>();
    const copyOf = (index: number): Map<string, V> => {
      let copy = copies.get(index);
      if (copy === undefined) copies.set(index, (copy = new Map(this.#shards[index])));
      return copy;
    };
    let { size } = this;
    for (const key of removed) {
      const index = shardOf(key);
      if ((copies.get(index) ?? this.#shards[index])?.has(key) && copyOf(index).delete(key)) size -= 1;
    }
    for (const [key, unit] of set) {
      const index = shardOf(key);
      const known = (copies.get(index) ?? this.#shards[index])?.get(key);
      if (known === unit) continue;
      copyOf(index).set(key, unit);
      if (known === undefined) size += 1;
    }
    if (copies.size === 0) return this;
    if (size === 0) return UnitTable.empty();
    const shards = [...this.#shards];
    for (const [index, copy] of copies) shards[index] = copy.size === 0 ? EMPTY_SHARD : copy;
    return new UnitTable(shards, size);
  }

  /** What differs from `previous`, by identity, in the order of the keys. */
  changesSince(previous: UnitTable<V>): TableChange<V>[] {
    if (previous === this) return [];
    const changes: TableChange<V>[] = [];
    // Every change of a large cluster comes by here: an index is three times as fast as an iterator.
    for (let index = 0; index < SHARDS; index++) {
      const shard = this.#shards[index] as Shard<V>;
      const before = previous.#shards[index] as Shard<V>;
      if (before === shard) continue;
      for (const [key, unit] of shard) {
        const known = before.get(key);
        if (known !== unit) changes.push({ key, before: known, after: unit });
      }
      for (const [key, unit] of before) if (!shard.has(key)) changes.push({ key, before: unit, after: undefined });
    }
    return changes.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** All units, one after the other: in an order that is the same for the same units, but not that of their keys. */
  *entries(): Generator<[key: string, unit: V]> {
    for (const shard of this.#shards) yield* [...shard].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** All units, in the order of their keys; made when it is first asked for. */
  get record(): Readonly<Record<string, V>> {
    if (this.#record === undefined) {
      const record: Record<string, V> = {};
      for (const [key, unit] of this.#sorted()) record[key] = unit;
      this.#record = Object.freeze(record);
      tables.set(record, this);
    }
    return this.#record;
  }

  /** The maps that units are spread over: the same keys are always in the map of the same place. */
  get shards(): readonly ReadonlyMap<string, V>[] {
    return this.#shards;
  }

  #sorted(): [string, V][] {
    const entries = this.#shards.flatMap((shard) => [...shard]);
    return entries.sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** Records that were made from tables, or made into one. */
const tables = new WeakMap<object, UnitTable<object>>();

/** FNV-1a over the code units: the same in every process. */
function shardOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % SHARDS;
}
